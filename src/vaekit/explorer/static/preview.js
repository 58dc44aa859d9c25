/**
 * The preview: the decoded image at the pointer, or else of the current latent vector; beside it the image of the data
 * that is nearest in latent space, or the selected one, with the terms of its bound.
 *
 * The time from a move of the pointer to its image is measured:
 * `performance.getEntriesByName("pointer to image")`.
 */
import { el, formatNumber, one } from "./dom.js";
import { imageCanvas, show } from "./image.js";
import { describeLatent, isBetween, shownMap, unproject } from "./latent_navigation.js";
import { latest } from "./latest.js";
import { isShown, modelPanel } from "./model_panel.js";

const TIMING = "pointer to image";
const MAX_TIMINGS = 500;
const NEIGHBORS = 13;

/** @param {import("./types.js").App} app @param {import("./types.js").Model} model */
export function preview(app, model) {
  const { m } = model;
  const picture = imageCanvas("Decoded image", { class: "picture large" });
  const source = el("p", { class: "source" });
  const original = imageCanvas("Image of the data", { class: "picture small" });
  const caption = el("p", { class: "caption" });
  const facts = el("dl", { class: "numbers" });
  const nothing = el("p", { class: "note" }, `No ${one(model.info)} of the data here. Hover a point, or click it to keep it.`);
  const side = el("div", { class: "beside" }, original, caption, facts, nothing);
  const cells = el("table", { class: "cells", hidden: true });
  const shown = { decoded: null, data: null };
  let shownImage = -1;

  const decode = latest(async ({ place, z, label, frame, point }) => {
    if (frame) return showFrame(frame);
    const found = place ? await decodePlace(app, model, place, z, label) : null;
    const row = found?.row ?? (await app.backend.decode(m, [z], label, "preview"));
    const latent = found?.z ?? z;
    show(picture, row);
    showCells({ decoded: row.values });
    source.textContent = `${describeLatent(latent)}${found ? `, ${found.words}` : ""}`;
    if (found && place.time) measure(place.time);
    side.classList.toggle("stale", Boolean(place) || point === null);
    findNeighbors({ z: latent, label });
  }, app.showError);
  const findNeighbors = latest(async ({ z, label }) => {
    const { kind, dims } = shownMap(app, model);
    const found = await app.backend.neighbors(m, z, kind, dims, NEIGHBORS, label);
    app.scene.set({ near: app.scene.get().near.map((old, k) => (k === m ? { z, label, ...found } : old)) });
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
    if (!isShown(app, m)) return;
    const { place, frames } = app.scene.get();
    const frame = place ? null : frames[m];
    decode({ place: place && (place.m === m || place.i >= 0) ? place : null, z: z[m], label, frame, point });
    if (frame) showImage(-1, "");
    else if (!place && point !== null) showImage(point, `${capitalized(one(model.info))} ${point}`);
  }

  /** The nearest image, unless one is selected. */
  function showNearest() {
    const { place, near, frames } = app.scene.get();
    const { point } = app.store.get();
    side.classList.remove("stale");
    if (!near[m] || (!place && (point !== null || frames[m]))) return;
    const [i, distance] = [near[m].index[0], near[m].distance[0]];
    const { condition } = model.info;
    const ofClass = condition?.variable === "label" ? ` of class ${condition.names[near[m].label]}` : "";
    showImage(i, `Nearest ${one(model.info)}${ofClass}, at a distance of ${formatNumber(distance, 2)}`);
  }

  function showImage(i, words) {
    caption.textContent = words;
    if (i === shownImage) return;
    shownImage = i;
    if (i < 0) showCells({ data: null });
    else fetchImage(i);
    original.setAttribute("aria-label", `Image ${i} of the data`);
    refreshNumbers();
  }

  function refreshNumbers() {
    original.hidden = facts.hidden = shownImage < 0;
    nothing.hidden = !original.hidden;
    facts.replaceChildren(...(shownImage < 0 ? [] : numbers(model, shownImage)));
  }

  app.scene.on(["loaded", "valued"], refreshNumbers);
  app.scene.on(["place", "frames"], refresh);
  app.scene.on(["near"], showNearest);
  app.store.on(["z", "label", "point", "show"], refresh);
  refreshNumbers();
  refresh();
  const decoded = el("div", { class: "decoded" }, el("p", { class: "caption" }, "Decoded"), picture);
  const box = modelPanel(app, model, el("div", { class: "pair" }, decoded, side), source, cells);
  box.classList.add("preview");
  return box;
}

/**
 * The image decoded under the pointer, its latent vector, and where that comes from; null where a map in space has no
 * point. Over a point of a map that is not the latent space itself, and for the map of the other model, it is that of
 * the image there.
 */
async function decodePlace(app, model, place, base, label) {
  const { kind, dims } = shownMap(app, model);
  const decode = async (z, words) => ({ z, words, row: await app.backend.decode(model.m, [z], label, "preview") });
  const ofImage = place.i >= 0 && kind !== "latents";
  if (place.m !== model.m || (dims === 3 && ofImage)) {
    const { z } = await app.backend.point(model.m, place.i, kind, dims);
    return decode(z, `the mean of ${one(model.info)} ${place.i}`);
  }
  if (dims === 3) return null;
  if (!ofImage && !isBetween(app, model)) {
    const z = unproject(model, [place.x, place.y], base);
    return decode(z, kind === "latents" ? "under the pointer" : "on the plane under the pointer");
  }
  const [x, y] = ofImage ? [model.points.x[place.i], model.points.y[place.i]] : [place.x, place.y];
  const row = await app.backend.decodeAt(model.m, { kind, x, y, base, between: "neighbors" }, label, "preview");
  return { row, z: row.z, words: ofImage ? `the mean of ${one(model.info)} ${place.i}` : meanOf(row.sources, model.info) };
}

/** "a mean of images 12 (40%), 88 (31%) and 6 more" */
function meanOf(sources, info) {
  const first = sources.slice(0, 2).map(([i, weight]) => `${i} (${Math.round(100 * weight)}%)`);
  return `a mean of ${info.noun} ${first.join(", ")} and ${sources.length - first.length} more`;
}

const capitalized = (word) => word[0].toUpperCase() + word.slice(1);

/** What is known of data point i: its class, and the terms of its bound, each with a bar. */
function numbers({ points, info }, i) {
  const name = info.classes?.[points?.label?.[i]];
  const { reconstruction, kl, log_likelihood: likelihood } = points ?? {};
  const terms = [
    ["log p(x|z)", reconstruction?.[i], "reconstruction"],
    ["KL", kl?.[i], "kl"],
    ["ELBO", reconstruction?.[i] - kl?.[i], "elbo"],
    ["log p(x)", likelihood?.[i], "elbo"],
  ].filter(([, value]) => Number.isFinite(value));
  const largest = Math.max(...terms.map(([, value]) => Math.abs(value)), 1e-9);
  return [
    ...row(one(info), String(i)),
    ...(name === undefined ? [] : row("class", name)),
    ...terms.flatMap(([term, value, kind]) => [
      ...row(term, formatNumber(value)),
      meter(kind, Math.abs(value) / largest),
    ]),
    ...(Number.isFinite(points?.error?.[i]) ? row("error", formatNumber(points.error[i], 4)) : []),
  ];
}

const row = (name, text) => [el("dt", {}, name), el("dd", { title: text }, text)];

function meter(kind, share) {
  const bar = el("span", { class: `bar ${kind}` });
  bar.style.setProperty("--share", share);
  return el("dd", { class: "meter", "aria-hidden": "true" }, bar);
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
