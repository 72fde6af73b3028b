"use strict";
// Drawing, and the predictions of all models: of fast models at each movement, of slow ones at a pause.

const read = (id) => document.getElementById(id);
const data = JSON.parse(read("page-data").textContent);
const { classes, image } = data;
const SLOW = 40; // ms for a prediction; slower models wait until the pen pauses
const PAUSE = 150; // ms
const WARM_UPS = 3;
const LINE = 0.075; // line width relative to the side of the paper
const paper = read("paper");
const pen = paper.getContext("2d");
const cells = [...read("probabilities").rows].map((row) => [...row.cells].slice(1));
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

let models = []; // once they are unpacked
let strokes = []; // each a list of [x, y], from 0 to 1
let sample = -1; // the test image that is shown instead
let drawing = false;
let [frame, pause] = [0, 0];
const milliseconds = []; // of the last prediction of each model

// ---- Images ----

const samples = new Float32Array(bytesOf(data.samples.pixels).buffer);
const sizeOfImage = image.height * image.width;
const pixelsOfSample = (place) => samples.subarray(place * sizeOfImage, (place + 1) * sizeOfImage);

const greyOf = (pixel) => {
  const share = (pixel - image.low) / (image.high - image.low);
  return Math.round(255 * Math.min(Math.max(share, 0), 1));
};
const colour = (pixel) => `rgb(${greyOf(pixel)} ${greyOf(pixel)} ${greyOf(pixel)})`;

function show(pixels, canvas) {
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(image.width, image.height);
  pixels.forEach((pixel, place) => {
    picture.data.fill(greyOf(pixel), 4 * place, 4 * place + 3);
    picture.data[4 * place + 3] = 255;
  });
  context.putImageData(picture, 0, 0);
}

const isEmpty = () => sample < 0 && !strokes.length;

function currentPixels() {
  if (sample >= 0) return pixelsOfSample(sample);
  if (strokes.length) return pixelsOf(strokes, image);
  return new Float32Array(sizeOfImage).fill(image.background);
}

function drawPaper() {
  const side = paper.width;
  pen.fillStyle = colour(image.background);
  pen.fillRect(0, 0, side, side);
  if (sample >= 0) {
    const scale = side / Math.max(image.width, image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(read("seen"), (side - width) / 2, (side - height) / 2, width, height);
    return;
  }
  pen.strokeStyle = colour(image.ink);
  pen.lineWidth = LINE * side;
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of strokes) {
    pen.beginPath();
    pen.moveTo(stroke[0][0] * side, stroke[0][1] * side);
    pen.lineTo(stroke[0][0] * side, stroke[0][1] * side); // a single point is a dot
    for (const [x, y] of stroke) pen.lineTo(x * side, y * side);
    pen.stroke();
  }
}

// ---- Predictions ----

function fill(place, shares) {
  const most = shares ? shares.indexOf(Math.max(...shares)) : -1;
  cells.forEach((row, label) => {
    const cell = row[place];
    cell.className = label === most ? "answer" : "";
    cell.querySelector("rect").setAttribute("width", shares ? shares[label] : 0);
    cell.querySelector("span").textContent = shares ? percent(shares[label]) : "\u2013";
  });
  return most;
}

const predicted = []; // the class that each model predicts
function timed(place, pixels) {
  const start = performance.now();
  const shares = probabilities(models[place], pixels);
  milliseconds[place] = performance.now() - start;
  return shares;
}

function predict(place, pixels) {
  predicted[place] = fill(place, timed(place, pixels));
}

function showPredictions() {
  const said = new Map();
  predicted.forEach((label, place) => {
    said.set(label, [...(said.get(label) ?? []), data.models[place]]);
  });
  const parts = [...said].map(([label, names]) => {
    const several = names.length > 1;
    const listed = several ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : names[0];
    return `${listed} ${several ? "predict" : "predicts"}\u00a0${classes[label]}`;
  });
  const prompt = "Draw, or choose a test image below.";
  read("answer").textContent = isEmpty() ? prompt : parts.join("; ");
}

function update() {
  const pixels = currentPixels();
  show(pixels, read("seen"));
  drawPaper();
  read("undo").disabled = read("clear").disabled = isEmpty();
  [...read("samples").querySelectorAll("button")].forEach((button, place) => {
    button.setAttribute("aria-pressed", place === sample);
  });
  clearTimeout(pause);
  if (isEmpty()) {
    models.forEach((_, place) => fill(place, null));
    showPredictions();
    return;
  }
  const slow = models.map((_, place) => place).filter((place) => milliseconds[place] > SLOW);
  models.forEach((_, place) => {
    if (!slow.includes(place)) predict(place, pixels);
    else for (const row of cells) row[place].classList.add("waiting");
  });
  pause = setTimeout(() => {
    for (const place of slow) predict(place, pixels);
    showPredictions();
  }, PAUSE);
}

function changed() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(update);
}

// ---- User input ----

function extend(event) {
  const { left, top, width, height } = paper.getBoundingClientRect();
  const moves = event.getCoalescedEvents?.() ?? [];
  for (const { clientX, clientY } of moves.length ? moves : [event]) {
    strokes.at(-1).push([(clientX - left) / width, (clientY - top) / height]);
  }
  changed();
}

paper.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  drawing = true;
  sample = -1;
  strokes.push([]);
  extend(event);
});
paper.addEventListener("pointermove", (event) => {
  if (drawing && event.isPrimary) extend(event);
});
for (const name of ["pointerup", "pointercancel"]) {
  paper.addEventListener(name, (event) => {
    if (event.isPrimary) drawing = false;
  });
}

function become(newStrokes, newSample) {
  strokes = newStrokes;
  sample = newSample;
  changed();
}
read("undo").addEventListener("click", () => become(strokes.slice(0, -1), -1));
read("clear").addEventListener("click", () => become([], -1));

data.samples.numbers.forEach((number, place) => {
  const button = document.createElement("button");
  const label = classes[data.samples.labels[place]];
  const picture = document.createElement("canvas");
  const caption = document.createElement("span");
  button.type = "button";
  button.title = `Test image ${number}, label ${label}`;
  caption.textContent = label;
  show(pixelsOfSample(place), picture);
  button.append(picture, caption);
  button.addEventListener("click", () => become([], place));
  const item = document.createElement("li");
  item.append(button);
  read("samples").append(item);
});

Promise.all([...document.querySelectorAll(".model")].map((one) => unpackedModel(one.textContent)))
  .then((unpacked) => {
    models = unpacked;
    update();
    // The first predictions are slow, until the browser has compiled the code.
    for (let run = 0; run < WARM_UPS; run += 1) {
      setTimeout(() => models.forEach((_, place) => timed(place, pixelsOfSample(0))));
    }
    document.body.dataset.ready = "";
  })
  .catch((error) => {
    read("answer").textContent = `This browser cannot unpack the models (${error.message}).`;
  });
