/**
 * Which data are chosen, by filters, a search, a region of a map and the classes that are shown. `app.chosen` holds it, and
 * `scene.chosen` counts its changes.
 *
 * @typedef {Object} Chosen
 * @property {Uint8Array} level  of each image: 0 hidden, 1 not chosen, 2 chosen
 * @property {boolean} active  whether anything but the classes chooses
 * @property {number} n  how many are chosen
 * @property {string|null} error  what is wrong with the search
 * @property {import("./numbers.js").Column[]} columns
 * @property {Object|null} filter  see crossfilter.js
 */
import { turnPoints } from "../map/space.js";
import { createCrossfilter } from "./crossfilter.js";
import { numbersOf } from "./numbers.js";
import { within } from "./region.js";
import { parse } from "./search.js";

/** @param {import("../types.js").App} app @returns {Chosen} */
export function followChosen(app) {
  const chosen = { level: new Uint8Array(0), active: false, n: 0, error: null, columns: [], filter: null };
  let known = "";
  const ranges = {};

  function rebuild() {
    const [{ points }] = app.models;
    if (!points) return;
    const columns = numbersOf(points);
    const now = columns.map(({ key }) => key).join();
    if (now !== known || chosen.level.length !== points.n) {
      known = now;
      Object.assign(chosen, { columns, filter: createCrossfilter(columns, points.n), level: new Uint8Array(points.n) });
      for (const key of Object.keys(ranges)) delete ranges[key];
    }
    setRanges();
    refresh();
  }

  function setRanges() {
    const { filters } = app.store.get();
    for (const key of new Set([...Object.keys(filters), ...Object.keys(ranges)]))
      if (ranges[key] !== filters[key]) {
        chosen.filter.setRange(key, filters[key] ?? null);
        if (filters[key]) ranges[key] = filters[key];
        else delete ranges[key];
      }
  }

  function refresh(others = true) {
    const [{ points, info }] = app.models;
    if (!points || !chosen.filter) return;
    const { hidden, query, region, filters } = app.store.get();
    const isHidden = (i) => points.label !== null && hidden.includes(points.label[i]);
    if (others) {
      const found = parse(query, points, info);
      chosen.error = "error" in found ? found.error : null;
      const search = "error" in found ? () => true : found.test;
      const inside = region && insideOf(app.models[region.m], region);
      chosen.filter.setOther((i) => !isHidden(i) && search(i) && (!inside || inside[i] === 1));
    }
    chosen.active = Boolean(region || Object.keys(filters).length || (query.trim() && !chosen.error));
    chosen.n = 0;
    for (let i = 0; i < points.n; i++) {
      chosen.level[i] = chosen.filter.passes(i) ? 2 : isHidden(i) ? 0 : 1;
      if (chosen.level[i] === 2) chosen.n++;
    }
    app.scene.set({ chosen: app.scene.get().chosen + 1 });
  }

  app.scene.on(["loaded", "valued"], rebuild);
  app.store.on(["filters"], () => chosen.filter && (setRanges(), refresh(false)));
  app.store.on(["hidden", "query", "region"], () => refresh());
  return chosen;
}

/** 1 for each image within a region; a region of a map in space keeps the direction from which it was drawn. */
function insideOf({ points, space }, { corners, turn }) {
  const seen = space && turn ? turnPoints(space, space.middle, turn) : points;
  return within(corners, seen.x, seen.y);
}

/** The indices of the chosen images, at most so many. @param {Chosen} chosen */
export function indicesOf({ level }, most = Infinity) {
  const found = [];
  for (let i = 0; i < level.length && found.length < most; i++) if (level[i] === 2) found.push(i);
  return found;
}

/** The chosen images as bits in base64, the first in the lowest bit of the first byte. @param {Chosen} chosen */
export function maskOf({ level }) {
  const bits = new Uint8Array(Math.ceil(level.length / 8));
  for (let i = 0; i < level.length; i++) if (level[i] === 2) bits[i >> 3] |= 1 << (i & 7);
  let text = "";
  for (const byte of bits) text += String.fromCharCode(byte);
  return btoa(text);
}
