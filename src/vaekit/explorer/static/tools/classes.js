/** The same latent vector decoded in every class; selecting an image sets the class. */
import { el } from "../dom.js";
import { modelPanel } from "../model_panel.js";
import { latest } from "../latest.js";
import { imageCanvas, show } from "../image.js";

/** @param {import("../types.js").App} app */
export function classes(app) {
  const intro = el(
    "p",
    { class: "note" },
    "One latent vector, so one style, decoded in every class. Select an image to set its class.",
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
  const names = info.condition.names;
  const tiles = names.map((name, k) => {
    const picture = imageCanvas(`Class ${name}`, { class: "picture" });
    const box = el(
      "button",
      { type: "button", class: "tile", onclick: () => app.store.set({ label: k }) },
      picture,
      el("span", {}, name),
    );
    return { picture, box };
  });
  const decode = latest(async (z) => {
    const row = await app.backend.classes(m, z);
    tiles.forEach(({ picture }, k) => show(picture, row, k, names.length));
  }, app.showError);
  const refresh = ({ tool, z, label }) => {
    if (tool === "classes") decode(z[m]);
    tiles.forEach(({ box }, k) => box.setAttribute("aria-pressed", String(k === label)));
  };
  app.store.on(["tool", "z", "label"], refresh);
  refresh(app.store.get());
  return modelPanel(app, model, el("div", { class: "tiles" }, ...tiles.map(({ box }) => box)));
}
