"use strict";
// Grids of images that open one by one, over the page: Previous and Next, arrow keys, Escape. The
// comparison page and the review share this.

// Arrow keys move within a grid, which is one stop for the Tab key. `buttonAt` may add buttons.
function moveByArrows(grid, buttonAt = (place) => grid.querySelectorAll("button")[place]) {
  grid.addEventListener("keydown", (event) => {
    const button = event.target.closest("button");
    const buttons = [...grid.querySelectorAll("button")];
    const inRow = buttons.findIndex((one) => one.offsetTop > buttons[0].offsetTop);
    const row = inRow < 0 ? buttons.length : inRow;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row }[event.key];
    if (!button || !step) return;
    event.preventDefault();
    focusInGrid(grid, buttonAt(buttons.indexOf(button) + step));
  });
}

function focusInGrid(grid, button) {
  if (!button) return;
  grid.querySelectorAll('button[tabindex="0"]').forEach((one) => { one.tabIndex = -1; });
  button.tabIndex = 0;
  button.focus();
}

// Makes a button of each image in a list that is on the page already.
function makeOpenable(list, images, open) {
  [...list.children].forEach((item, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = place ? -1 : 0;
    button.append(...item.childNodes);
    item.append(button);
    button.addEventListener("click", () => open({
      images,
      place,
      closed: (last) => focusInGrid(list, list.querySelectorAll("button")[last]),
    }));
  });
  moveByArrows(list);
}

// Returns `open`, which takes the images, the place of the first to show, and what to do when
// another is shown and when the dialog closes. `fill` puts an image into the dialog.
function makeViewer(dialog, fill) {
  const title = dialog.querySelector("h2");
  const button = (step) => dialog.querySelector(`[data-step="${step}"]`);
  let set = null;

  function show(place) {
    const last = set.images.length - 1;
    set.place = place;
    fill(set.images[place]);
    dialog.querySelector(".position").textContent =
      `${(place + 1).toLocaleString("en")} of ${(last + 1).toLocaleString("en")}`;
    const focused = document.activeElement;
    button(-1).disabled = place === 0;
    button(1).disabled = place === last;
    if (focused.disabled) title.focus(); // a button at the end would lose it
    set.moved?.(place);
  }

  function close() {
    const { place, closed } = set ?? {};
    set = null;
    dialog.close();
    closed?.(place);
  }

  function step(by) {
    const place = set.place + by;
    if (place >= 0 && place < set.images.length) show(place);
  }

  dialog.addEventListener("click", (event) => {
    const by = Number(event.target.closest("button")?.dataset.step ?? NaN);
    if (by === 0 || event.target === dialog) close(); // beside it, too
    else if (by) step(by);
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const region = event.target.closest(".scroll");
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (by && !(region && region.scrollWidth > region.clientWidth)) {
      event.preventDefault();
      step(by);
    }
  });
  dialog.addEventListener("cancel", (event) => { // a phone's gesture to go back
    event.preventDefault();
    close();
  });
  return (asked) => {
    set = { ...asked };
    if (!dialog.open) dialog.showModal();
    show(set.place);
    title.focus();
  };
}
