/** The pseudo-inputs that a VampPrior is made of: choosing one draws a code from its component. */
import { button, el } from "../dom.js";
import { lane } from "../model_panel.js";
import { latest } from "../latest.js";
import { frame } from "../image.js";
import { go } from "../latent_navigation.js";

const PAGE = 50;

/** @param {import("../types.js").App} app */
export function pseudo(app) {
  const intro = el(
    "p",
    { class: "note" },
    "The prior is a mixture of the posteriors of these images. Choose one to draw from its component.",
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
  const back = button("Back", () => turn(-PAGE), { class: "button small" });
  const on = button("Next", () => turn(PAGE), { class: "button small" });
  const fill = latest(async () => {
    const n = Math.min(PAGE, info.pseudo_inputs - start);
    const { picture, columns } = await app.backend.pseudo(m, start, n);
    gallery.replaceChildren(...cut(picture, columns, n).map((canvas, k) => tile(app, m, canvas, start + k)));
    count.textContent = `${start + 1} to ${start + n} of ${info.pseudo_inputs}`;
    back.disabled = start === 0;
    on.disabled = start + n >= info.pseudo_inputs;
  }, app.fail);
  const turn = (by) => ((start += by), fill());
  const refresh = ({ tool }) => tool === "pseudo" && !gallery.children.length && fill();
  app.store.on(["tool"], refresh);
  refresh(app.store.get());
  return lane(app, model, gallery, el("div", { class: "row spread" }, back, count, on));
}

function tile(app, m, picture, component) {
  return el(
    "button",
    {
      type: "button",
      class: "tile",
      onclick: () => draw(app, m, component),
      title: `Pseudo-input ${component}`,
      "aria-label": `Draw from pseudo-input ${component}`,
    },
    picture,
  );
}

/** The tiles of a sheet, row by row. */
function cut(sheet, columns, n) {
  const rows = Math.ceil(n / columns);
  const [width, height] = [sheet.width / columns, sheet.height / rows];
  return Array.from({ length: n }, (_, k) => {
    const canvas = frame("", { class: "picture shown", width, height, "aria-hidden": "true" });
    canvas.getContext("2d").drawImage(sheet, -(k % columns) * width, -Math.floor(k / columns) * height);
    return canvas;
  });
}

async function draw(app, m, component) {
  const { temperature, label, seed } = app.store.get();
  try {
    const { z } = await app.backend.draw(m, { temperature, label, seed: seed + 1, component });
    app.store.set({ seed: seed + 1 });
    go(app, m, z);
    app.say(`A code drawn from pseudo-input ${component}.`);
  } catch (error) {
    app.fail(error);
  }
}
