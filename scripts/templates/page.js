"use strict";
(() => {
// The page is whole without this script. It adds the failure browser, whose state is in the
// address; keys in the matrices; sorting; and drawing another failure. It computes no figure.

const read = (id) => document.getElementById(id);
const page = JSON.parse(read("page-data").textContent);
const sheetElements = [...document.querySelectorAll(".sheet")];
const { models, classes, images: layout } = page;
const placeOfKey = new Map(models.map((model, place) => [model.key, place]));
const PER_VIEW = 60;
const LONGEST = 24; // characters of a class's name below a small image
const shortName = (name) => {
  const signs = [...name];
  return signs.length > LONGEST ? `${signs.slice(0, LONGEST).join("")}…` : name;
};

const bytesOf = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

// ---- What is known of the images: arrays in the order of the sheets ----

async function unpack(base64) {
  const packed = new Blob([bytesOf(base64)]).stream();
  return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

async function readAnswers() {
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
  return { index, label, answers, probabilities };
}

let known; // what readAnswers gives
const probability = (model, image, label) =>
  known.probabilities[model][image * classes.length + label] / 255;
const confidence = (model, image) => probability(model, image, known.answers[model][image]);
const isWrong = (model, image) => known.answers[model][image] !== known.label[image];
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;

// ---- Images: a sheet is decoded when one of its images is first drawn ----

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
  if (canvas.dataset.index !== String(known.index[image])) return; // another was asked for since
  canvas.getContext("2d").drawImage(
    sheet, (image % perSheet) * width, 0, width, height, 0, 0, width, height);
}

// ---- The state: the filters' fields and the open image, as they are in the address ----

const form = read("filters");
const fields = [...form.elements].filter((field) => field.name);
const initial = Object.fromEntries(fields.map((field) => [field.name, field.value]));
initial.model = page.best;
let state = { ...initial };
let shown = []; // images that pass the filters, in order
let opened = -1; // place in `shown`

const isShare = (value) => /^\d{1,3}(\.\d+)?$/.test(value) && Number(value) <= 100;

function stateOf(address) {
  if (!address.startsWith("#images?")) return null;
  const said = new URLSearchParams(address.slice("#images?".length));
  const next = { ...initial, image: said.get("image") ?? "" };
  for (const field of fields) {
    const value = said.get(field.name);
    const allowed = field.options
      ? [...field.options].some((option) => option.value === value)
      : value !== null && isShare(value);
    if (allowed) next[field.name] = value;
  }
  return next;
}

function rememberState() {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (value && value !== initial[name]) said.set(name, value);
  }
  if (!said.has("model")) said.set("model", state.model);
  try {
    history.replaceState(null, "", `#images?${said}`);
  } catch {
    // Within a data: frame there is no history.
  }
}

// ---- Filtering ----

function filterOf(wanted) {
  const model = placeOfKey.get(wanted.model);
  const other = placeOfKey.get(wanted.other) ?? -1;
  const everyModel = models.map((_, place) => place);
  const tests = [];
  const asClass = (name) => (wanted[name] === "" ? -1 : Number(wanted[name]));
  const [label, answer, otherAnswer] = ["label", "answer", "other-answer"].map(asClass);
  const { answers } = known;
  if (label >= 0) tests.push((image) => known.label[image] === label);
  const alone = wanted.agreement === "one" && other >= 0 && answer >= 0;
  if (alone) {
    tests.push((image) => (answers[model][image] === answer) !== (answers[other][image] === answer));
  } else if (answer >= 0) {
    tests.push((image) => answers[model][image] === answer);
  }
  if (other >= 0 && otherAnswer >= 0) tests.push((image) => answers[other][image] === otherAnswer);
  if (wanted.outcome) {
    tests.push((image) => isWrong(model, image) === (wanted.outcome === "wrong"));
  }
  const low = Number(wanted.from || 0) / 100;
  const high = Number(wanted.to || 100) / 100;
  if (low > 0) tests.push((image) => confidence(model, image) >= low);
  if (high < 1) tests.push((image) => confidence(model, image) <= high);
  const agree = (image) => everyModel.every((place) => answers[place][image] === answers[0][image]);
  if (wanted.agreement === "all") tests.push(agree);
  if (wanted.agreement === "split") tests.push((image) => !agree(image));
  if (wanted.agreement === "contested") tests.push((image) => agree(image) && isWrong(0, image));
  if (wanted.agreement === "other-wrong" && other >= 0) tests.push((image) => isWrong(other, image));
  if (wanted.agreement.startsWith("wrong:")) {
    const set = new Set(wanted.agreement.slice("wrong:".length).split(","));
    const expected = models.map(({ key }) => set.has(key));
    tests.push((image) => everyModel.every((place) => isWrong(place, image) === expected[place]));
  }
  return (image) => tests.every((test) => test(image));
}

function orderOf(wanted) {
  const model = placeOfKey.get(wanted.model);
  const byNumber = (one, two) => known.index[one] - known.index[two];
  if (!wanted.order) return byNumber;
  const sign = wanted.order === "sure" ? -1 : 1;
  return (one, two) =>
    sign * (confidence(model, one) - confidence(model, two)) || byNumber(one, two);
}

// ---- The gallery ----

const gallery = read("gallery");

function incomplete(wanted) {
  const needsOther = wanted["other-answer"] || ["one", "other-wrong"].includes(wanted.agreement);
  if (needsOther && !wanted.other) return ". Choose a second model";
  return wanted.agreement === "one" && !wanted.answer ? ". Choose an answer" : "";
}

const spoken = (image) => {
  const said = models.map(
    ({ name }, model) =>
      `${name} says ${classes[known.answers[model][image]]} (${percent(confidence(model, image))})`);
  return `Test image ${known.index[image]}, labelled ${classes[known.label[image]]}: ${said.join(", ")}`;
};

function tile(place) {
  const image = shown[place];
  const item = document.createElement("li");
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const caption = document.createElement("span");
  button.type = "button";
  button.dataset.place = place;
  button.tabIndex = place === 0 ? 0 : -1;
  button.setAttribute("aria-label", spoken(image));
  canvas.className = "digit";
  const answer = known.answers[placeOfKey.get(state.model)][image];
  caption.textContent = `${shortName(classes[known.label[image]])} vs ${shortName(classes[answer])}`;
  button.append(canvas, caption);
  item.append(button);
  drawImage(canvas, image);
  return item;
}

function showMore() {
  const start = gallery.children.length;
  const end = Math.min(shown.length, start + PER_VIEW);
  const items = document.createDocumentFragment();
  for (let place = start; place < end; place += 1) items.append(tile(place));
  gallery.append(items);
  read("more").hidden = end === shown.length;
}

function showResults() {
  const passes = filterOf(state);
  shown = [];
  for (let image = 0; image < layout.images; image += 1) if (passes(image)) shown.push(image);
  shown.sort(orderOf(state));
  const all = layout.images.toLocaleString("en");
  read("count").textContent = `${shown.length.toLocaleString("en")} of ${all} images`
    + (shown.length ? ", label vs answer" : ": none passes these filters") + incomplete(state);
  gallery.replaceChildren();
  showMore();
  const wanted = state.image ?? "";
  openPlace(wanted === "" ? -1 : shown.findIndex((image) => String(known.index[image]) === wanted));
}

// ---- One image: every model's probabilities ----

function fillAnswers(table, image) {
  [...table.tBodies[0].rows].forEach((row, label) => {
    row.classList.toggle("true", label === known.label[image]);
    [...row.cells].slice(1).forEach((cell, model) => {
      const share = probability(model, image, label);
      cell.classList.toggle("answer", label === known.answers[model][image]);
      cell.querySelector("rect").setAttribute("width", (100 * share).toFixed(1));
      cell.querySelector("span").textContent = percent(share);
    });
  });
}

function openPlace(place) {
  opened = place;
  const detail = read("detail");
  detail.hidden = place < 0;
  state.image = place < 0 ? "" : String(known.index[shown[place]]);
  gallery.querySelector("[aria-current]")?.removeAttribute("aria-current");
  if (place < 0) return;
  const image = shown[place];
  gallery.children[place]?.firstChild.setAttribute("aria-current", "true");
  const canvas = detail.querySelector("canvas");
  canvas.setAttribute("aria-label", spoken(image));
  drawImage(canvas, image);
  fillAnswers(detail.querySelector("table"), image);
  read("detail-title").textContent =
    `Test image ${known.index[image]}: labelled ${classes[known.label[image]]}`;
}

function focusPlace(place) {
  if (place < 0 || place >= shown.length) return;
  while (place >= gallery.children.length) showMore();
  gallery.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
  const button = gallery.children[place].firstChild;
  button.tabIndex = 0;
  button.focus();
}

// ---- Keys: arrows move within a matrix and within the gallery ----

function columnsOfGallery() {
  const [first, ...rest] = gallery.children;
  const next = rest.findIndex((item) => item.offsetTop > first.offsetTop);
  return next < 0 ? gallery.children.length : next + 1;
}

function moveInGallery(event) {
  const button = event.target.closest("button");
  if (!button) return;
  const row = columnsOfGallery();
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row };
  if (!(event.key in steps)) return;
  event.preventDefault();
  focusPlace(Number(button.dataset.place) + steps[event.key]);
}

function linkInColumn(cell, step) { // the nearest one above or below, past empty cells
  const { rows } = cell.closest("table");
  for (let row = cell.parentElement.rowIndex + step; row > 0 && row < rows.length; row += step) {
    const link = rows[row].cells[cell.cellIndex].querySelector("a");
    if (link) return link;
  }
  return null;
}

function moveInMatrix(event) {
  const link = event.target.closest("a");
  const links = [...event.currentTarget.querySelectorAll("a")];
  const place = links.indexOf(link);
  const next = {
    ArrowLeft: () => links[place - 1],
    ArrowRight: () => links[place + 1],
    ArrowUp: () => linkInColumn(link.parentElement, -1),
    ArrowDown: () => linkInColumn(link.parentElement, 1),
  }[event.key];
  if (place < 0 || !next) return;
  event.preventDefault();
  const target = next();
  if (!target) return;
  link.tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}

function makeMatricesOneStop() {
  for (const table of document.querySelectorAll(".matrix")) {
    table.querySelectorAll("a").forEach((link, place) => { link.tabIndex = place ? -1 : 0; });
    table.addEventListener("keydown", moveInMatrix);
  }
}

// ---- Sorting ----

function makeSortable(table) {
  const [body] = table.tBodies;
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const falling = header.getAttribute("aria-sort") === "ascending";
      headers.forEach((one) => one.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = [...body.rows].sort((one, two) =>
        Number(value(one)) - Number(value(two)) || value(one).localeCompare(value(two)));
      body.append(...(falling ? rows.reverse() : rows));
    });
  });
}

// ---- Another random failure: the next in the order that the seed has drawn ----

function makeDrawable(example) {
  const button = example.querySelector(".draw");
  const model = placeOfKey.get(example.dataset.model);
  const placeOfIndex = new Map([...known.index].map((index, place) => [index, place]));
  const all = page.draws[example.dataset.model];
  const draws = all.filter((index) => placeOfIndex.has(index)); // those whose images fit
  let draw = 0;
  button.hidden = draws.length < 2;
  button.addEventListener("click", () => {
    draw = (draw + 1) % draws.length;
    const image = placeOfIndex.get(draws[draw]);
    const canvas = document.createElement("canvas");
    canvas.className = "digit large";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Test image ${draws[draw]}`);
    example.querySelector(".digit").replaceWith(canvas);
    drawImage(canvas, image);
    fillAnswers(example.querySelector("table"), image);
    const [label, answer] = [known.label[image], known.answers[model][image]];
    example.querySelector(".caption").textContent =
      `Test image ${draws[draw]}: ${classes[label]} vs ${classes[answer]} (true vs predicted). `
      + `Draw ${all.indexOf(draws[draw]) + 1} of ${all.length}, seed ${page.seed}; to 1/255.`;
  });
}

// ---- Start ----

function applyState() {
  for (const field of fields) field.value = state[field.name];
  showResults();
  sayDifference();
}

// Where the images are those of a difference of two models, how sure it is.
function sayDifference() {
  const asked = ({ href }) => {
    const wanted = stateOf(new URL(href).hash);
    return fields.every(({ name }) => wanted[name] === state[name]);
  };
  const links = state.agreement === "one" ? [...document.querySelectorAll(".differences a")] : [];
  const link = links.find(asked);
  const said = read("difference");
  said.hidden = !link;
  said.textContent = link ? `${link.closest("table").caption.textContent}. ${link.title}`
    + " (the interval is of this number alone, p is corrected for the number of cells)" : "";
}

function followAddress() {
  if (location.hash === "") {
    state = { ...initial, outcome: "wrong" };
    applyState();
    return;
  }
  const next = stateOf(location.hash);
  if (!next) return;
  state = next;
  applyState();
  read("images").scrollIntoView();
  read("count").focus({ preventScroll: true });
}

function listen() {
  form.addEventListener("input", () => {
    state = { image: "" };
    for (const field of fields) {
      const allowed = field.options || isShare(field.value);
      state[field.name] = allowed ? field.value : initial[field.name];
    }
    showResults();
    rememberState();
    sayDifference();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    state = { ...initial };
    applyState();
    rememberState();
  });
  gallery.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    openPlace(Number(button.dataset.place));
    rememberState();
    read("detail-title").focus();
  });
  gallery.addEventListener("keydown", moveInGallery);
  read("detail").addEventListener("click", (event) => {
    const step = Number(event.target.dataset.step ?? NaN);
    if (Number.isNaN(step)) return;
    const last = opened;
    if (step === 0) {
      openPlace(-1);
      if (last < gallery.children.length) focusPlace(last);
      else read("count").focus();
    } else {
      openPlace(Math.min(Math.max(opened + step, 0), shown.length - 1));
    }
    rememberState();
  });
  read("detail").addEventListener("keydown", (event) => {
    if (event.key === "Escape") read("detail").querySelector('[data-step="0"]').click();
  });
  read("more").addEventListener("click", () => {
    const place = gallery.children.length;
    showMore();
    focusPlace(place);
  });
  window.addEventListener("hashchange", followAddress);
  document.addEventListener("click", (event) => { // asked for again: no change of the address
    if (event.target.closest("a")?.getAttribute("href") === location.hash) followAddress();
  });
}

async function start() {
  makeMatricesOneStop();
  document.querySelectorAll(".sortable").forEach(makeSortable);
  known = await readAnswers();
  document.querySelectorAll(".example").forEach(makeDrawable);
  listen();
  form.hidden = false;
  read("browser").hidden = false;
  state = stateOf(location.hash) ?? { ...initial, outcome: "wrong" };
  applyState();
  if (location.hash.startsWith("#images?")) read("images").scrollIntoView();
}

// After the page itself, which can be read meanwhile.
document.addEventListener("DOMContentLoaded", () => setTimeout(start));
})();
