"use strict";
// Runs a trained model. An array holds (height, width, channels) row by row. Sums are computed in
// double precision and stored in single precision, so results differ from TensorFlow's only by rounding.

const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 };

// Abramowitz and Stegun 7.1.26: wrong by less than 2e-7.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const coefficients = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
  const series = coefficients.reduce((sum, one) => (sum + one) * t, 0);
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

const elu = (x) => (x > 0 ? x : Math.expm1(x));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const activations = {
  relu: (x) => (x > 0 ? x : 0),
  elu,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  selu: (x) => SELU.scale * (x > 0 ? x : SELU.alpha * Math.expm1(x)),
  sigmoid,
  silu: (x) => x * sigmoid(x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  tanh: Math.tanh,
};

// Each function takes the arrays of its step, their shapes, (height, width, channels), and its output shape.
const operations = {
  rescale: ([x], step) => x.map((value) => value * step.scale + step.offset),

  dense([x], { weights: [kernel, bias] }, _, [, , units]) {
    const sums = new Float64Array(units);
    if (bias) sums.set(bias);
    for (let i = 0, k = 0; i < x.length; i += 1, k += units) {
      const value = x[i];
      if (value !== 0) for (let u = 0; u < units; u += 1) sums[u] += value * kernel[k + u];
    }
    return Float32Array.from(sums);
  },

  convolve([x], { size, margin, weights: [kernel, bias] }, shape, made) {
    const [height, width, channels] = shape;
    const [rows, columns, filters] = made;
    const y = new Float32Array(rows * columns * filters);
    const sums = new Float64Array(filters);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        if (bias) sums.set(bias); else sums.fill(0);
        for (let down = 0; down < size[0]; down += 1) {
          const from = row + down - margin[0];
          if (from < 0 || from >= height) continue;
          for (let across = 0; across < size[1]; across += 1) {
            const at = column + across - margin[1];
            if (at < 0 || at >= width) continue;
            const start = (from * width + at) * channels;
            let k = (down * size[1] + across) * channels * filters;
            for (let c = start; c < start + channels; c += 1, k += filters) {
              const value = x[c];
              if (value === 0) continue;
              for (let f = 0; f < filters; f += 1) sums[f] += value * kernel[k + f];
            }
          }
        }
        y.set(sums, (row * columns + column) * filters);
      }
    }
    return y;
  },

  pool([x], { size }, [, width, channels], [rows, columns]) {
    const y = new Float32Array(rows * columns * channels).fill(-Infinity);
    for (let row = 0; row < rows * size[0]; row += 1) {
      for (let column = 0; column < columns * size[1]; column += 1) {
        const from = (row * width + column) * channels;
        const to = (Math.floor(row / size[0]) * columns + Math.floor(column / size[1])) * channels;
        for (let c = 0; c < channels; c += 1) {
          if (x[from + c] > y[to + c]) y[to + c] = x[from + c];
        }
      }
    }
    return y;
  },

  normalize([x], { weights: [scale, offset] }, [, , channels]) {
    return x.map((value, i) => value * scale[i % channels] + offset[i % channels]);
  },

  // A part of the image, or the image with zeros around it.
  window([x], { top, left }, [height, width, channels], [rows, columns]) {
    const y = new Float32Array(rows * columns * channels);
    for (let row = Math.max(0, -top); row < Math.min(rows, height - top); row += 1) {
      const [first, end] = [Math.max(0, -left), Math.min(columns, width - left)];
      const from = ((row + top) * width + first + left) * channels;
      const part = x.subarray(from, from + (end - first) * channels);
      y.set(part, (row * columns + first) * channels);
    }
    return y;
  },

  average: (all) => all[0].map((_, i) => all.reduce((sum, one) => sum + one[i], 0) / all.length),

  softmax([x]) {
    const most = x.reduce((a, b) => Math.max(a, b));
    const powers = Array.from(x, (value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b);
    return Float32Array.from(powers, (power) => power / sum);
  },
};

for (const [name, activation] of Object.entries(activations)) {
  operations[name] = ([x]) => x.map(activation);
}

// The class probabilities of an image, given its pixels row by row, in the dataset's units.
function probabilities({ shapes, steps }, pixels) {
  const made = [Float32Array.from(pixels)];
  steps.forEach((step, place) => {
    const given = step.from.map((index) => made[index]);
    made.push(operations[step.do](given, step, shapes[step.from[0]], shapes[place + 1]));
  });
  return made.at(-1);
}
