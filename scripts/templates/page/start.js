"use strict";
// The page is complete without this script, which runs once the page can be read.

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
  const all = page.draws[example.dataset.model];
  const draws = all.filter((index) => known.placeOfIndex.has(index)); // those whose images fit
  let draw = 0;
  button.hidden = draws.length < 2;
  button.addEventListener("click", () => {
    draw = (draw + 1) % draws.length;
    const image = known.placeOfIndex.get(draws[draw]);
    const canvas = document.createElement("canvas");
    canvas.className = "digit large";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Test image ${draws[draw]}`);
    example.querySelector(".digit").replaceWith(canvas);
    drawImage(canvas, image);
    fillProbabilities(example.querySelector("table"), image);
    const [label, answer] = [known.label[image], known.answers[model][image]];
    example.querySelector(".caption").textContent =
      `Test image ${draws[draw]}: ${classes[label]} vs ${classes[answer]} (true vs predicted). `
      + `Number ${all.indexOf(draws[draw]) + 1} of ${all.length} failures drawn at random, seed ${page.seed}.`;
  });
}

// ---- Grids of images that are on the page without the script ----

function makeGridOpenable(list) {
  const numbers = [...list.querySelectorAll("img")].map(({ alt }) => Number(/^Test image (\d+)/.exec(alt)?.[1]));
  const images = numbers.map((number) => known.placeOfIndex.get(number));
  if (!images.includes(undefined)) makeOpenable(list, images, openImages); // all of them fit
}

// ---- Regions that scroll are stops for the Tab key, and others are none ----

function makeStops() {
  const regions = [...document.querySelectorAll('.scroll[tabindex="0"]')];
  const setStop = (region) => {
    if (!region.clientWidth) return; // not laid out yet
    const scrolls = region.scrollWidth > region.clientWidth || region.scrollHeight > region.clientHeight;
    if (scrolls) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  };
  const watching = new ResizeObserver((changes) => changes.forEach(({ target }) => setStop(target)));
  const whenIdle = window.requestIdleCallback ?? setTimeout;
  const next = () => { // one at a time: to measure one lays out its section
    const region = regions.shift();
    if (!region) return;
    setStop(region);
    watching.observe(region);
    whenIdle(next);
  };
  whenIdle(next);
}

// ---- Start ----

function applyState() {
  showInFields(state);
  showResults();
  const place = state.image ? shown.findIndex((image) => String(known.index[image]) === state.image) : -1;
  if (place >= 0) openFromGallery(place);
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
  read("images").scrollIntoView();
  read("count").focus({ preventScroll: true });
  applyState();
}

function listen() {
  form.addEventListener("input", () => {
    state = stateOfFields();
    showInFields(state);
    showResults();
    rememberState();
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
    if (button) openFromGallery(Number(button.dataset.place));
  });
  moveByArrows(gallery, buttonAt);
  read("more").addEventListener("click", () => {
    const place = gallery.children.length;
    showMore();
    focusInGrid(gallery, buttonAt(place));
  });
  read("copy").addEventListener("click", copyLink);
  read("download").addEventListener("click", downloadShown);
  window.addEventListener("hashchange", followAddress);
  document.addEventListener("click", (event) => { // asked for again: no change of the address
    if (event.target.closest("a")?.getAttribute("href") === location.hash) followAddress();
  });
}

async function start() {
  document.querySelectorAll("a[data-images]").forEach((link) => {
    link.href = `#images${link.dataset.images}`;
  });
  tables.forEach(makeLinks);
  document.querySelectorAll(".sortable").forEach(makeSortable);
  known = await readPredictions();
  document.querySelectorAll(".example").forEach(makeDrawable);
  document.querySelectorAll(".failures").forEach(makeGridOpenable);
  listen();
  read("filter-fold").open = !matchMedia("(max-width: 40rem)").matches;
  read("filter-fold").hidden = false;
  read("browser").hidden = false;
  state = stateOf(location.hash) ?? { ...initial, outcome: "wrong" };
  if (location.hash.startsWith("#images?")) read("images").scrollIntoView();
  applyState();
  makeStops();
}

// After the page itself, which can be read meanwhile.
document.addEventListener("DOMContentLoaded", () => setTimeout(start));
