"use strict";
// The images that match the filters: as tiles, one by one, and as a table to download.

const PER_VIEW = 60;
const gallery = read("gallery");
const viewer = read("viewer");
let state = { ...initial };
let shown = []; // images that match the filters, in order

const openImages = makeViewer(viewer, (image) => {
  const canvas = viewer.querySelector("canvas");
  canvas.setAttribute("aria-label", spoken(image));
  drawImage(canvas, image);
  fillProbabilities(viewer.querySelector("table"), image, false);
  viewer.querySelector("h2").textContent =
    `Test image ${known.index[image]}: labelled ${classes[known.label[image]]}`;
});

function tile(place) {
  const image = shown[place];
  const model = placeOfKey.get(state.model);
  const item = document.createElement("li");
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  const [caption, sure] = [document.createElement("span"), document.createElement("span")];
  button.type = "button";
  button.dataset.place = place;
  button.tabIndex = place === 0 ? 0 : -1;
  button.setAttribute("aria-label", spoken(image));
  canvas.className = "digit";
  const names = [known.label[image], known.answers[model][image]].map((one) => shortName(classes[one]));
  caption.textContent = names.join(" vs ");
  sure.className = "quiet";
  sure.textContent = percent(confidence(model, image), 0);
  button.append(canvas, caption, sure);
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

function buttonAt(place) {
  if (place < 0 || place >= shown.length) return null;
  while (place >= gallery.children.length) showMore();
  return gallery.children[place].firstChild;
}

function openFromGallery(place) {
  openImages({
    images: shown,
    place,
    moved: (now) => {
      state.image = String(known.index[shown[now]]);
      rememberState();
    },
    closed: (last) => {
      state.image = "";
      rememberState();
      focusInGrid(gallery, buttonAt(last));
    },
  });
}

function rememberState() {
  try {
    history.replaceState(null, "", addressOf(state));
  } catch {
    // There is no history within a data: frame.
  }
}

function showResults() {
  const problem = problemOf(state);
  const passes = problem ? () => false : filterOf(state);
  shown = [];
  for (let image = 0; image < layout.images; image += 1) if (passes(image)) shown.push(image);
  shown.sort(orderOf(state));
  const all = layout.images.toLocaleString("en");
  const counted = `${shown.length.toLocaleString("en")} of ${all} images`;
  const model = models[placeOfKey.get(state.model)].name;
  read("count").textContent = problem || counted
    + (shown.length ? `: label vs prediction of ${model}, and its confidence` : ": none match these filters");
  read("download").disabled = !shown.length;
  read("said").textContent = "";
  gallery.replaceChildren();
  showMore();
  sayDifference(state);
}

// ---- A link to copy, and a table to download ----

// Like csv_text: on one line, and never a formula in a spreadsheet.
function csvCell(text) {
  const line = text.replace(/[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped);
  const inert = /^-?[0-9]+$/.test(text) ? text
    : line.replace(/((?:^|;)[\s"]*)(?=['=+\-@\uff1d\uff0b\uff0d\uff20])/g, "$1'");
  return /[",]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

// A character as Python escapes it.
function escaped(char) {
  const short = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}[char];
  const code = char.codePointAt(0);
  const digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
  return short || `\\${"xuU"[Math.log2(digits) - 1]}${code.toString(16).padStart(digits, "0")}`;
}

function downloadShown() {
  const names = models.flatMap(({ name }) => [name, `${name}_confidence`]);
  const rows = shown.map((image) => [
    String(known.index[image]),
    classes[known.label[image]],
    ...models.flatMap((_, model) => [
      classes[known.answers[model][image]], confidence(model, image).toFixed(3)]),
  ]);
  const text = [["index", "label", ...names], ...rows]
    .map((row) => `${row.map(csvCell).join(",")}\n`).join("");
  const link = document.createElement("a");
  link.download = "images.csv";
  link.href = `data:text/csv;charset=utf-8,${encodeURIComponent(text)}`;
  link.click();
}

async function copyLink() {
  const address = location.href.split("#")[0] + addressOf(state);
  try {
    await navigator.clipboard.writeText(address);
    read("said").textContent = "Copied.";
  } catch { // not allowed here
    read("said").textContent = address;
  }
}
