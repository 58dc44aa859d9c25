/** The images that are nearest in latent space to what is decoded, with their distances; selecting one moves there. */
import { el, formatNumber, one } from "./dom.js";
import { imageCanvas } from "./image.js";
import { latest } from "./latest.js";
import { selectImage } from "./latent_navigation.js";

const SHOWN = 6;
const REST = 120; // milliseconds that the pointer rests before the images are loaded

/** @param {import("./types.js").App} app */
export function neighborStrip(app) {
  const { info } = app.models[0];
  const noun = one(info);
  const tiles = Array.from({ length: SHOWN }, () => tileOf(app));
  const title = el("h3", {}, `Nearest ${info.noun} in latent space`);
  const box = el(
    "section",
    { class: "neighbors", "aria-label": title.textContent, hidden: true },
    title,
    el("div", { class: "neighbor-tiles" }, ...tiles.map((tile) => tile.box)),
  );

  const fill = latest(async ({ index, distance }) => {
    const { picture, columns } = await app.backend.thumbnails(0, index);
    const rows = Math.ceil(index.length / columns);
    const [width, height] = [picture.width / columns, picture.height / rows];
    tiles.forEach((tile, k) => {
      tile.box.hidden = k >= index.length;
      if (tile.box.hidden) return;
      const from = [(k % columns) * width, Math.floor(k / columns) * height];
      tile.show(picture, from, [width, height], index[k], distance[k], noun);
    });
    box.hidden = false;
  }, app.showError);

  let timer = 0;
  app.scene.on(["near"], ({ near }) => {
    clearTimeout(timer);
    const found = near[0];
    const own = app.store.get().point;
    if (!found) return;
    const others = found.index.map((i, k) => [i, found.distance[k]]).filter(([i, d]) => !(i === own && d < 1e-4));
    const shown = others.slice(0, SHOWN);
    const work = { index: shown.map(([i]) => i), distance: shown.map(([, d]) => d) };
    if (shown.length) timer = setTimeout(fill, REST, work);
  });
  return box;
}

function tileOf(app) {
  const canvas = imageCanvas("", { class: "picture shown", "aria-hidden": "true" });
  const text = el("span", { class: "number" });
  let image = -1;
  const box = el("button", { type: "button", class: "tile", hidden: true, onclick: () => selectImage(app, image) }, canvas, text);
  return {
    box,
    show(picture, [left, top], [width, height], i, distance, noun) {
      image = i;
      Object.assign(canvas, { width, height });
      canvas.getContext("2d").drawImage(picture, left, top, width, height, 0, 0, width, height);
      text.textContent = formatNumber(distance, 2);
      box.title = `${noun} ${i}, at a distance of ${formatNumber(distance, 3)}`;
      box.setAttribute("aria-label", box.title);
    },
  };
}
