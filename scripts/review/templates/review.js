"use strict";
// Opens the images of the galleries, with the predictions of every model before and now.

const { models, images } = JSON.parse(document.getElementById("page-data").textContent);
const dialog = document.getElementById("viewer");
const [picture, rows] = [dialog.querySelector("canvas"), dialog.querySelector("tbody").rows];

const said = (label, predicted, confidence) => {
  if (predicted === null) return "–";
  const sure = confidence === null ? "" : ` (${(100 * confidence).toFixed(1)}\u00a0%)`;
  return `${predicted === label ? "✓" : "✗"} ${predicted}${sure}`;
};

const openImage = makeViewer(dialog, (item) => {
  const number = item.dataset.image;
  const { label, rows: predicted } = images[number];
  const image = item.querySelector("img");
  dialog.querySelector("h2").textContent = `Test image ${number}: labelled ${label}`;
  [picture.width, picture.height] = [image.naturalWidth, image.naturalHeight];
  picture.getContext("2d").drawImage(image, 0, 0);
  picture.setAttribute("aria-label", image.alt);
  predicted.forEach(([before, sureBefore, now, sureNow], place) => {
    const [, first, second] = rows[place].cells;
    first.textContent = said(label, before, sureBefore);
    second.textContent = said(label, now, sureNow);
  });
  const { key } = models.find((model) => model.key) ?? models[0];
  const address = new URLSearchParams({ model: key, image: number });
  dialog.querySelector(".whole").href = `comparison.html#images?${address}`;
});

document.querySelectorAll(".gallery").forEach((list) => makeOpenable(list, [...list.children], openImage));
