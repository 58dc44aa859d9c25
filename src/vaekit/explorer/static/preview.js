/**
 * The preview: the decoded image at the pointer, or else of the current latent vector; beside it the nearest image of
 * the data, with the terms of its bound.
 *
 * The time from a move of the pointer to its image is measured:
 * `performance.getEntriesByName("pointer to image")`.
 */
import { el, formatNumber, one } from "./dom.js";
import { clear, imageCanvas, show } from "./image.js";
import { describeLatent, latentAt } from "./latent_navigation.js";
import { latest } from "./latest.js";
import { modelPanel } from "./model_panel.js";

const TIMING = "pointer to image";
const MAX_TIMINGS = 500;

/** @param {import("./types.js").App} app @param {import("./types.js").Model} model */
export function preview(app, model) {
  const { m } = model;
  const picture = imageCanvas("Decoded image", { class: "picture large" });
  const source = el("p", { class: "source" });
  const original = imageCanvas("Image of the data", { class: "picture small" });
  const facts = el("dl", { class: "numbers" });
  const cells = el("table", { class: "cells", hidden: true });
  const shown = { decoded: null, data: null };
  let shownImage = -1;

  const decode = latest(async ({ place, z, label, frame }) => {
    if (frame) return showFrame(frame);
    const latent = place ? await latentUnder(app, model, place, z) : z;
    const row = await app.backend.decode(m, [latent], label, "preview");
    show(picture, row);
    showCells({ decoded: row.values });
    source.textContent = `${describeLatent(latent)}${place ? ", under the pointer" : ""}`;
    if (place?.time) measure(place.time);
  }, app.showError);
  const fetchImage = latest(async (i) => {
    const row = await app.backend.image(m, i);
    show(original, row);
    showCells({ data: row.values });
  }, app.showError);

  function showCells(values) {
    Object.assign(shown, values);
    cells.hidden = !(model.info.columns && (shown.decoded || shown.data)); // a page without Python has no values
    if (!cells.hidden) cells.replaceChildren(...cellRows(model.info.columns, shown));
  }

  function showFrame({ row, k, n, z, t }) {
    show(picture, row, k, n);
    source.textContent = `${describeLatent(z)}, from A to B at ${formatNumber(t, 2)}`;
  }

  function refresh() {
    const { z, label, point } = app.store.get();
    const { place, frames } = app.scene.get();
    const frame = place ? null : frames[m];
    decode({ place: place && (place.m === m || place.i >= 0) ? place : null, z: z[m], label, frame });
    showImage(place ? place.i : frame ? -1 : (point ?? -1));
  }

  function showImage(i) {
    if (i === shownImage) return;
    shownImage = i;
    original.setAttribute("aria-label", i < 0 ? "No image of the data here" : `Image ${i} of the data`);
    if (i < 0) {
      clear(original);
      showCells({ data: null });
    } else fetchImage(i);
    refreshNumbers();
  }

  const refreshNumbers = () => facts.replaceChildren(...numbers(model, shownImage));
  app.scene.on(["loaded", "valued"], refreshNumbers);
  app.scene.on(["place", "frames"], refresh);
  app.store.on(["z", "label", "point"], refresh);
  refreshNumbers();
  refresh();
  const side = el("div", { class: "beside" }, original, facts);
  const box = modelPanel(app, model, el("div", { class: "pair" }, picture, side), source, cells);
  box.classList.add("preview");
  return box;
}

/** The latent vector under the pointer; for the map of the other model, that of the same image. */
async function latentUnder(app, model, place, base) {
  if (place.m === model.m) return latentAt(app, model, [place.x, place.y], base);
  return (await app.backend.point(model.m, place.i, app.store.get().kind)).z;
}

function numbers(model, i) {
  const { points, info } = model;
  const value = (key) => (i < 0 ? null : points?.[key]?.[i]);
  const label = info.classes ? [["class", i < 0 ? "–" : (info.classes[points?.label?.[i]] ?? "–")]] : [];
  const bound = info.is_bound
    ? [
        ["KL", formatNumber(value("kl"))],
        ["log p(x)", formatNumber(value("log_likelihood"))],
      ]
    : [];
  const rows = [
    [one(info), i < 0 ? "–" : String(i)],
    ...label,
    ["log p(x|z)", formatNumber(value("reconstruction"))],
    ...bound,
  ];
  return rows.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]);
}

/** A line for each column: its name, the decoded value, and that of the nearest row. */
function cellRows(columns, { decoded, data }) {
  const head = el("tr", {}, ...["", "decoded", "data"].map((text) => el("th", { scope: "col" }, text)));
  const rows = columns.map((name, j) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", title: name }, name),
      ...[decoded, data].map((values) => el("td", {}, values?.[j] ?? "–")),
    ),
  );
  return [head, ...rows];
}

function measure(start) {
  performance.measure(TIMING, { start, end: performance.now() });
  if (performance.getEntriesByName(TIMING).length > MAX_TIMINGS) performance.clearMeasures(TIMING);
}
