/** What a conditional model is given: one class, or a vector of attributes. */
import { choice, el, slider } from "./dom.js";

/** @param {import("./types.js").App} app @returns {HTMLElement|null} */
export function conditionOf(app) {
  const { condition } = app.models[0].info;
  if (!condition) return null;
  const box = condition.on === "label" ? oneOf(app, condition.values) : each(app, condition.values);
  return el("section", { class: "condition", "aria-label": "Given to the decoder" }, box);
}

function oneOf(app, names) {
  const options = names.map((name, k) => [String(k), name]);
  const box = choice("Class given to the model", options, String(app.store.get().label), (k) =>
    app.store.set({ label: Number(k) }),
  );
  app.store.on(["label"], ({ label }) => box.choose(String(label)));
  return el("div", { class: "given" }, el("span", { class: "name" }, "Class"), box);
}

function each(app, names) {
  const put = (k, value) =>
    app.store.set({ label: app.store.get().label.map((old, j) => (j === k ? value : old)) });
  const sliderOf = (name, k) =>
    slider(name, {
      min: 0,
      max: 1,
      step: 0.01,
      value: app.store.get().label[k],
      oninput: (value) => put(k, value),
    });
  const sliders = names.map(sliderOf);
  app.store.on(["label"], ({ label }) => sliders.forEach((box, k) => box.put(label[k])));
  return el("div", { class: "given" }, ...sliders);
}
