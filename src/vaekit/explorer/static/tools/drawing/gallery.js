/** Several opened files at once: each with its reconstruction and the bound; selecting one puts it on the canvas. */
import { el, formatNumber } from "../../dom.js";
import { fromBase64, imageCanvas, show, toBase64 } from "../../image.js";
import { drawableImage } from "./image.js";

/** @param {import("../../types.js").App} app @param {(levels: Uint8Array) => void} choose */
export function gallery(app, choose) {
  const tiles = el("div", { class: "tiles" });
  const box = el("div", { class: "group", hidden: true }, el("h3", {}, "Your pictures"), tiles);

  /** Show files, each with a name and levels; one alone needs no gallery. */
  async function put(pictures) {
    box.hidden = pictures.length < 2;
    const made = pictures.map((picture) => tile(app.models[0].info, picture, choose));
    tiles.replaceChildren(...made.map((one) => one.box));
    if (!box.hidden) for (const [k, one] of made.entries()) await measure(app, pictures[k], one);
  }

  return { box, put };
}

function tile({ shape }, { name, levels }, choose) {
  const [, height, width] = shape;
  const original = imageCanvas(name, { class: "picture shown", width, height });
  const image = drawableImage(shape);
  image.levels.set(levels);
  image.paint(original.getContext("2d"));
  const reconstruction = imageCanvas(`Reconstruction of ${name}`, { class: "picture" });
  const bound = el("span", { class: "number" }, "…");
  const box = el(
    "button",
    { type: "button", class: "tile", title: name, "aria-label": `Put ${name} on the canvas`, onclick: () => choose(levels) },
    original,
    reconstruction,
    bound,
  );
  return { box, reconstruction, bound };
}

async function measure(app, { levels }, { reconstruction, bound }) {
  const answer = await encoded(app, { pixels: toBase64(levels), label: app.store.get().label });
  show(reconstruction, await fromBase64(answer.reconstruction));
  bound.textContent = formatNumber(answer.terms.elbo ?? answer.terms.reconstruction);
  bound.title = answer.terms.elbo === null ? "log p(x | z), nats" : "ELBO, nats";
}

/** The answer for one picture; a newer request of the canvas goes first. */
async function encoded(app, input) {
  for (;;) {
    try {
      return await app.backend.encode(0, input);
    } catch (error) {
      if (error?.kind !== "superseded") throw error;
    }
  }
}
