"use strict";
// The data of the images, and how to draw them. Evaluate has computed everything that is shown.

const read = (id) => document.getElementById(id);
const page = JSON.parse(read("page-data").textContent);
const { models, classes, images: layout } = page;
const placeOfKey = new Map(models.map((model, place) => [model.key, place]));
const LONGEST = 24; // characters of a class's name below a small image, at most
const FEW = 12; // up to so many classes, an opened image lists all
const LEAST = 0.01; // with more classes, those with a lower probability are left out

const shortName = (name) => {
  const signs = [...name];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST).join("")}…` : name;
};
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)}\u00a0%`;
const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

async function unpack(base64) {
  const packed = new Blob([bytesOf(base64)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// Arrays in the order of the sheets.
async function readPredictions() {
  const view = new DataView(await unpack(read("packed-answers").textContent));
  const count = layout.images;
  const answers = models.map(() => new Uint16Array(count));
  const probabilities = models.map(() => new Uint8Array(count * classes.length));
  const [index, label] = [new Int32Array(count), new Uint16Array(count)];
  let offset = 0;
  const short = () => view.getUint16((offset += 2) - 2, true);
  for (let start = 0; start < count; start += layout.per_sheet) {
    const end = Math.min(count, start + layout.per_sheet);
    let last = 0;
    for (let image = start; image < end; image += 1, offset += 4) {
      last += view.getInt32(offset, true);
      index[image] = last;
    }
    for (let image = start; image < end; image += 1) label[image] = short();
    for (const own of answers) for (let image = start; image < end; image += 1) own[image] = short();
    for (const own of probabilities) {
      const length = (end - start) * classes.length;
      own.set(new Uint8Array(view.buffer, offset, length), start * classes.length);
      offset += length;
    }
  }
  const placeOfIndex = new Map([...index].map((number, place) => [number, place]));
  return { index, label, answers, probabilities, placeOfIndex };
}

let known; // the result of readPredictions
const probability = (model, image, label) =>
  known.probabilities[model][image * classes.length + label] / 255;
const confidence = (model, image) => probability(model, image, known.answers[model][image]);
const isWrong = (model, image) => known.answers[model][image] !== known.label[image];

// ---- Images: a sheet is decoded when one of its images is first drawn ----

const sheetElements = [...document.querySelectorAll(".sheet")];
const sheets = new Map();

function sheetOf(image) {
  const number = Math.floor(image / layout.per_sheet);
  if (!sheets.has(number)) {
    const picture = new Image();
    picture.src = `data:image/png;base64,${sheetElements[number].textContent}`;
    sheets.set(number, picture.decode().then(() => picture));
  }
  return sheets.get(number);
}

async function drawImage(canvas, image) {
  const { width, height, per_sheet: perSheet } = layout;
  canvas.width = width;
  canvas.height = height;
  canvas.dataset.index = known.index[image];
  const sheet = await sheetOf(image);
  if (canvas.dataset.index !== String(known.index[image])) return; // another image was requested since
  canvas.getContext("2d").drawImage(
    sheet, (image % perSheet) * width, 0, width, height, 0, 0, width, height);
}

const spoken = (image) => {
  const said = models.map(
    ({ name }, model) =>
      `${name} predicts ${classes[known.answers[model][image]]} (${percent(confidence(model, image))})`);
  return `Test image ${known.index[image]}, labelled ${classes[known.label[image]]}: ${said.join(", ")}`;
};

function fillProbabilities(table, image, all = true) {
  [...table.tBodies[0].rows].forEach((row, label) => {
    row.classList.toggle("true", label === known.label[image]);
    let most = 0;
    [...row.cells].slice(1).forEach((cell, model) => {
      const share = probability(model, image, label);
      most = Math.max(most, share);
      cell.classList.toggle("answer", label === known.answers[model][image]);
      cell.querySelector("rect").setAttribute("width", (100 * share).toFixed(1));
      cell.querySelector("span").textContent = percent(share);
    });
    row.hidden = !all && classes.length > FEW && most < LEAST && label !== known.label[image];
  });
}
