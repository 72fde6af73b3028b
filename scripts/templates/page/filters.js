"use strict";
// The filters: their fields, their state in the address, and the images that they select.

const form = read("filters");
const fields = [...form.elements].filter((field) => field.name);
const initial = Object.fromEntries(fields.map((field) => [field.name, field.value]));
initial.model = page.best;

const isShare = (value) => /^\d{1,3}(\.\d+)?$/.test(value) && Number(value) <= 100;
const OLDER = ["one", "other-wrong"]; // values of `relation` that older links have in `agreement`

function stateOf(address) {
  if (!address.startsWith("#images?")) return null;
  const said = new URLSearchParams(address.slice("#images?".length));
  if (OLDER.includes(said.get("agreement"))) said.set("relation", said.get("agreement"));
  const next = { ...initial, image: said.get("image") ?? "" };
  for (const field of fields) {
    const value = said.get(field.name);
    const allowed = field.options
      ? [...field.options].some((option) => option.value === value)
      : value !== null && isShare(value);
    if (allowed) next[field.name] = value;
  }
  return consistent(next);
}

// Unsets fields that need a second model or a predicted class if there is none.
function consistent(wanted) {
  const next = { ...wanted };
  if (next.other === next.model) next.other = "";
  if (!next.other) Object.assign(next, { relation: "", "other-answer": "" });
  if (next.relation === "one" && !next.answer) next.relation = "";
  return next;
}

function addressOf(wanted) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) {
    if (value && value !== initial[name]) said.set(name, value);
  }
  if (!said.has("model")) said.set("model", wanted.model);
  return `#images?${said}`;
}

function stateOfFields() {
  const said = fields.map((field) => [field.name, field.value || initial[field.name]]);
  return consistent({ ...Object.fromEntries(said), image: "" });
}

// Shows the state in the fields, and disables fields without effect.
function showInFields(wanted) {
  for (const field of fields) {
    const typing = !field.options && field === document.activeElement; // may be half a number
    if (!typing && field.value !== wanted[field.name]) field.value = wanted[field.name];
  }
  const { other, relation } = form.elements;
  if (other) {
    for (const name of ["relation", "other-answer"]) form.elements[name].disabled = !wanted.other;
    for (const option of other.options) option.disabled = option.value === wanted.model;
    for (const option of relation.options) {
      option.disabled = option.value === "one" && !wanted.answer;
    }
    if (wanted.other) read("second").open = true;
  }
  const set = fields.filter(({ name }) => name === "model"
    || (name !== "order" && wanted[name] !== initial[name]));
  const value = (field) => (field.options ? field.selectedOptions[0].text : field.value);
  read("filters-set").textContent = set.map(
    (field) => `${field.labels[0].firstChild.textContent.trim()} ${value(field)}`).join(", ");
}

// The error in the fields, or an empty text.
function problemOf({ from, to }) {
  const wrong = [from, to].find((value) => !isShare(value));
  if (wrong !== undefined) return `Confidence ${wrong} is not allowed; allowed: 0 to 100 %`;
  if (Number(from) > Number(to)) return `Confidence from ${from} to ${to} %: “from” is greater than “to”`;
  return "";
}

function filterOf(wanted) {
  const model = placeOfKey.get(wanted.model);
  const other = placeOfKey.get(wanted.other) ?? -1;
  const everyModel = models.map((_, place) => place);
  const tests = [];
  const { answers } = known;
  const [label, answer, otherAnswer] = ["label", "answer", "other-answer"].map(
    (name) => (wanted[name] ? Number(wanted[name]) : -1));
  const predicts = (place, image) => answers[place][image] === answer;
  if (label >= 0) tests.push((image) => known.label[image] === label);
  if (wanted.relation === "one") {
    tests.push((image) => predicts(model, image) !== predicts(other, image));
  } else if (answer >= 0) {
    tests.push((image) => predicts(model, image));
  }
  if (otherAnswer >= 0) tests.push((image) => answers[other][image] === otherAnswer);
  if (wanted.relation === "other-wrong") tests.push((image) => isWrong(other, image));
  if (wanted.relation === "differ") {
    tests.push((image) => answers[model][image] !== answers[other][image]);
  }
  if (wanted.outcome) {
    tests.push((image) => isWrong(model, image) === (wanted.outcome === "wrong"));
  }
  const [low, high] = [Number(wanted.from) / 100, Number(wanted.to) / 100];
  if (low > 0) tests.push((image) => confidence(model, image) >= low);
  if (high < 1) tests.push((image) => confidence(model, image) <= high);
  const agree = (image) => everyModel.every((place) => answers[place][image] === answers[0][image]);
  if (wanted.agreement === "all") tests.push(agree);
  if (wanted.agreement === "split") tests.push((image) => !agree(image));
  if (wanted.agreement === "contested") tests.push((image) => agree(image) && isWrong(0, image));
  if (wanted.agreement.startsWith("wrong:")) {
    const set = new Set(wanted.agreement.slice("wrong:".length).split(","));
    const expected = models.map(({ key }) => set.has(key));
    tests.push((image) => everyModel.every((place) => isWrong(place, image) === expected[place]));
  }
  return (image) => tests.every((test) => test(image));
}

// The order of the images: by default, the most confident first.
function orderOf({ model: key, order }) {
  const model = placeOfKey.get(key);
  const byNumber = (one, two) => known.index[one] - known.index[two];
  if (order === "number") return byNumber;
  const sign = order === "unsure" ? 1 : -1;
  return (one, two) =>
    sign * (confidence(model, one) - confidence(model, two)) || byNumber(one, two);
}
