/** The chosen images in pages; selecting one moves there. And all of them as one picture. */
import { button, el, one } from "../dom.js";
import { imageCanvas } from "../image.js";
import { latest } from "../latest.js";
import { selectImage } from "../latent_navigation.js";
import { indicesOf } from "./chosen.js";

const PAGE = 48;
const MOST = 480; // images of a picture
const GAP = 2; // pixels between them

/** @param {import("../types.js").App} app */
export function contactSheet(app) {
  const tiles = el("div", { class: "tiles sheet" });
  const count = el("span", { class: "note", role: "status" });
  const back = button("Back", () => move(-1), { class: "button small" });
  const next = button("Next", () => move(1), { class: "button small" });
  let page = 0;

  const fill = latest(async () => {
    const all = indicesOf(app.chosen);
    page = Math.min(Math.max(page, 0), Math.max(Math.ceil(all.length / PAGE) - 1, 0));
    const shown = all.slice(page * PAGE, (page + 1) * PAGE);
    back.disabled = page === 0;
    next.disabled = (page + 1) * PAGE >= all.length;
    count.textContent = all.length ? `${page * PAGE + 1} to ${page * PAGE + shown.length} of ${all.length.toLocaleString("en")}` : "";
    if (!shown.length) return tiles.replaceChildren();
    const sheet = await app.backend.thumbnails(0, shown);
    tiles.replaceChildren(...shown.map((i, k) => tile(app, i, sheet, k, shown.length)));
  }, app.showError);
  const move = (by) => ((page += by), fill());
  return {
    box: el("div", { class: "group" }, tiles, el("div", { class: "row spread" }, back, count, next)),
    refresh: () => ((page = 0), fill()),
  };
}

function tile(app, i, { picture, columns }, k, n) {
  const { points, info } = app.models[0];
  const rows = Math.ceil(n / columns);
  const [width, height] = [picture.width / columns, picture.height / rows];
  const canvas = imageCanvas("", { class: "picture shown", width, height, "aria-hidden": "true" });
  canvas.getContext("2d").drawImage(picture, -(k % columns) * width, -Math.floor(k / columns) * height);
  const label = points.label && info.classes ? `, class ${info.classes[points.label[i]] ?? "–"}` : "";
  const name = `${one(info)} ${i}${label}`;
  return el("button", { type: "button", class: "tile", title: name, "aria-label": name, onclick: () => selectImage(app, i) }, canvas);
}

/** The first chosen images as one picture. @returns {Promise<Blob>} */
export async function sheetPicture(app) {
  const indices = indicesOf(app.chosen, MOST);
  const { picture, columns } = await app.backend.thumbnails(0, indices);
  const rows = Math.ceil(indices.length / columns);
  const [width, height] = [picture.width / columns, picture.height / rows];
  const canvas = el("canvas", { width: columns * (width + GAP) - GAP, height: rows * (height + GAP) - GAP });
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (let k = 0; k < indices.length; k++) {
    const [column, row] = [k % columns, Math.floor(k / columns)];
    const from = [column * width, row * height, width, height];
    context.drawImage(picture, ...from, column * (width + GAP), row * (height + GAP), width, height);
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
