/** The pseudo-inputs of a VampPrior, or the exemplars of its relatives: selecting one samples from its component. */
import { button, el } from "../dom.js";
import { modelPanel } from "../model_panel.js";
import { latest } from "../latest.js";
import { imageCanvas } from "../image.js";
import { setLatent } from "../latent_navigation.js";

const PAGE = 50;

/** @param {import("../types.js").App} app */
export function pseudoInputs(app) {
  const intro = el(
    "p",
    { class: "note" },
    "The prior is a mixture of the posteriors of these images. Select one to sample from its component.",
  );
  return el(
    "div",
    {},
    intro,
    ...app.models.filter(({ info }) => info.pseudo_inputs).map((model) => galleryOf(app, model)),
  );
}

function galleryOf(app, model) {
  const { m, info } = model;
  let start = 0;
  const gallery = el("div", { class: "tiles ten" });
  const count = el("span", { class: "note", role: "status" });
  const back = button("Back", () => move(-PAGE), { class: "button small" });
  const next = button("Next", () => move(PAGE), { class: "button small" });
  const fill = latest(async () => {
    app.scene.set({ gallery: app.scene.get().gallery.map((old, k) => (k === m ? start : old)) });
    const n = Math.min(PAGE, info.pseudo_inputs - start);
    const { picture, columns } = await app.backend.pseudoInputs(m, start, n);
    gallery.replaceChildren(...cut(picture, columns, n).map((canvas, k) => tile(app, m, canvas, start + k)));
    count.textContent = `${start + 1} to ${start + n} of ${info.pseudo_inputs}`;
    back.disabled = start === 0;
    next.disabled = start + n >= info.pseudo_inputs;
  }, app.showError);
  const move = (by) => ((start += by), fill());
  const refresh = ({ tool }) => tool === "pseudo_inputs" && !gallery.children.length && fill();
  app.store.on(["tool"], refresh);
  refresh(app.store.get());
  return modelPanel(app, model, gallery, el("div", { class: "row spread" }, back, count, next));
}

function tile(app, m, picture, component) {
  return el(
    "button",
    {
      type: "button",
      class: "tile",
      onclick: () => sample(app, m, component),
      title: `Pseudo-input ${component}`,
      "aria-label": `Sample from pseudo-input ${component}`,
    },
    picture,
  );
}

/** The tiles of an image of tiles, row by row. */
function cut(tiles, columns, n) {
  const rows = Math.ceil(n / columns);
  const [width, height] = [tiles.width / columns, tiles.height / rows];
  return Array.from({ length: n }, (_, k) => {
    const canvas = imageCanvas("", { class: "picture shown", width, height, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(tiles, -(k % columns) * width, -Math.floor(k / columns) * height);
    return canvas;
  });
}

async function sample(app, m, component) {
  const { temperature, label, seed } = app.store.get();
  try {
    const { z } = await app.backend.sample(m, { temperature, label, seed: seed + 1, component });
    app.store.set({ seed: seed + 1 });
    setLatent(app, m, z);
    app.announce(`A sample from pseudo-input ${component}.`);
  } catch (error) {
    app.showError(error);
  }
}
