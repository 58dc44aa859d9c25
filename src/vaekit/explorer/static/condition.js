/** What the models are conditioned on: one class, or a vector of attributes. */
import { choice, el, slider } from "./dom.js";
import { conditionOf } from "./state.js";

/** @param {import("./types.js").App} app @returns {HTMLElement|null} */
export function conditionBox(app) {
  const condition = conditionOf(app.models.map(({ info }) => info));
  if (!condition) return null;
  const box = condition.variable === "label" ? classChoice(app, condition.names) : attributeSliders(app, condition);
  return el("section", { class: "condition", "aria-label": "Condition" }, box);
}

function classChoice(app, names) {
  const options = names.map((name, k) => [String(k), name]);
  const box = choice("Class that the model is conditioned on", options, String(app.store.get().label), (k) =>
    app.store.set({ label: Number(k) }),
  );
  app.store.on(["label"], ({ label }) => box.choose(String(label)));
  return el("div", { class: "condition-row" }, el("span", { class: "name" }, "Class"), box);
}

function attributeSliders(app, { names, low, high }) {
  const put = (k, value) =>
    app.store.set({ label: app.store.get().label.map((old, j) => (j === k ? value : old)) });
  const sliderOf = (name, k) =>
    slider(name, {
      min: low[k],
      max: high[k],
      step: (high[k] - low[k]) / 100 || 1,
      value: app.store.get().label[k],
      oninput: (value) => put(k, value),
    });
  const sliders = names.map(sliderOf);
  app.store.on(["label"], ({ label }) => sliders.forEach((box, k) => box.put(label[k])));
  return el("div", { class: "condition-row" }, ...sliders);
}
