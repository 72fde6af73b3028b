"use strict";
// Each number of a matrix opens its images; arrow keys move between numbers.

const tables = [...document.querySelectorAll(".matrix")];

// The filters for a cell of a table, and its label for screen readers.
const MEANINGS = {
  confusion: ({ first }, row, column) => [
    { model: first, label: row, answer: column },
    `images labelled ${classes[row]}, predicted ${classes[column]} by ${nameOf(first)}`,
  ],
  differences: ({ first, second }, row, column) => [
    { model: first, other: second, label: row, answer: column, relation: "one" },
    `images labelled ${classes[row]}, predicted ${classes[column]}: ${nameOf(first)} minus ${nameOf(second)}`,
  ],
  predictions: ({ first, second }, row, column) => [
    { model: first, answer: row, other: second, "other-answer": column },
    `images predicted ${classes[row]} by ${nameOf(first)}, ${classes[column]} by ${nameOf(second)}`,
  ],
};
const nameOf = (key) => models[placeOfKey.get(key)].name;

// Only the script makes the numbers links: without it, they would lead nowhere.
function makeLinks(table) {
  const meaning = MEANINGS[table.dataset.kind];
  let first = true;
  [...table.tBodies[0].rows].forEach((row, label) => {
    [...row.cells].forEach((cell, column) => {
      if (column === 0 || !cell.textContent) return;
      const [wanted, said] = meaning(table.dataset, label, column - 1);
      const link = document.createElement("a");
      link.href = `#images?${new URLSearchParams(wanted)}`;
      link.tabIndex = first ? 0 : -1;
      first = false;
      const plural = cell.textContent === "1" ? said.replace("images", "image") : said;
      link.setAttribute("aria-label", `${cell.textContent} ${plural}`);
      link.append(...cell.childNodes);
      cell.append(link);
    });
  });
  table.addEventListener("keydown", moveInMatrix);
}

function linkInColumn(cell, step) { // the nearest link above or below, skipping empty cells
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

// If the filters select a cell of a difference of two models, shows its interval and p-value.
function sayDifference({ model, other, label, answer, relation, ...rest }) {
  const others = Object.entries(rest).filter(([name]) => !["order", "image"].includes(name));
  const plain = relation === "one" && others.every(([name, value]) => value === initial[name]);
  const table = plain && tables.find(({ dataset: { kind, first, second } }) =>
    kind === "differences" && first === model && second === other);
  const cell = table && table.tBodies[0].rows[label]?.cells[Number(answer) + 1];
  const said = read("difference");
  said.hidden = !cell?.title;
  said.textContent = cell?.title ? `${table.caption.textContent}. ${cell.title}`
    + " (the interval is for this number alone; p is corrected for the number of cells)" : "";
}
