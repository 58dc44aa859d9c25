/** The same code in every class, in one row: choosing a picture gives its class to the model. */
import { el } from "../dom.js";
import { lane } from "../model_panel.js";
import { latest } from "../latest.js";
import { frame, show } from "../image.js";

/** @param {import("../types.js").App} app */
export function classes(app) {
  const intro = el(
    "p",
    { class: "note" },
    "One code, so one style, decoded with every class. Choose one to go on with it.",
  );
  return el(
    "div",
    {},
    intro,
    ...app.models.filter(({ info }) => info.condition).map((model) => tilesOf(app, model)),
  );
}

function tilesOf(app, model) {
  const { m, info } = model;
  const names = info.condition.values;
  const tiles = names.map((name, k) => {
    const picture = frame(`In class ${name}`, { class: "picture" });
    const box = el(
      "button",
      { type: "button", class: "tile", onclick: () => app.store.set({ label: k }) },
      picture,
      el("span", {}, name),
    );
    return { picture, box };
  });
  const ask = latest(async (z) => {
    const row = await app.backend.classes(m, z);
    tiles.forEach(({ picture }, k) => show(picture, row, k, names.length));
  }, app.fail);
  const refresh = ({ tool, z, label }) => {
    if (tool === "classes") ask(z[m]);
    tiles.forEach(({ box }, k) => box.setAttribute("aria-pressed", String(k === label)));
  };
  app.store.on(["tool", "z", "label"], refresh);
  refresh(app.store.get());
  return lane(app, model, el("div", { class: "tiles" }, ...tiles.map(({ box }) => box)));
}
