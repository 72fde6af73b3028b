"use strict";
// Unpacks the embedded models: gzip in base64. First a line of JSON, then the weights in the order of
// its `arrays`, little-endian: floats of 32 or 16 bits; or, for 8 bits, one float of 32 bits for each
// output, then integers to multiply by it.

const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

async function unzipped(base64) {
  const packed = new Blob([bytesOf(base64)]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

function halfPrecision(bits) {
  const [exponent, fraction] = [(bits >> 10) & 31, (bits & 1023) / 1024];
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
}

async function unpackedModel(base64) {
  const bytes = await unzipped(base64);
  let place = bytes.indexOf(10) + 1; // after the line
  const model = JSON.parse(new TextDecoder().decode(bytes.subarray(0, place)));
  const next = (Numbers, size) => {
    const start = place;
    place += size * Numbers.BYTES_PER_ELEMENT;
    return new Numbers(bytes.slice(start, place).buffer);
  };
  const read = {
    32: (size) => next(Float32Array, size),
    16: (size) => Float32Array.from(next(Uint16Array, size), halfPrecision),
    8: (size, outputs) => {
      const scales = next(Float32Array, outputs);
      return Float32Array.from(next(Int8Array, size), (value, i) => value * scales[i % outputs]);
    },
  };
  const arrays = model.arrays.map(({ bits, size, outputs }) => read[bits](size, outputs));
  for (const step of model.steps) {
    if (step.weights) step.weights = step.weights.map((index) => arrays[index]);
  }
  return model;
}
