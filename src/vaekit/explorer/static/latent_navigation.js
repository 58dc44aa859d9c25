/**
 * The ways to another code: an image's posterior mean, a place on the map, or numbers of one's own.
 *
 * Where the map is linear, with orthonormal rows A and an origin m, a code z lies at p = A (z - m), and a
 * place p is lifted from a code b to z = b + A^T (p - A (b - m)), the nearest code to b that lies there.
 * Other maps ask the backend.
 *
 * @typedef {import("./types.js").App} App
 * @typedef {import("./types.js").Model} Model
 */

import { nice } from "./dom.js";
import { conditionOf } from "./state.js";

/** Where a code lies on the map, [x, y]; null where the map is not linear. */
export function placeOf(model, z) {
  const linear = model.points?.linear;
  if (!linear) return null;
  return linear.axes.map((row) => row.reduce((sum, a, j) => sum + a * (z[j] - linear.origin[j]), 0));
}

/** The code at a place, nearest to `base`; null where only the backend knows. */
export function lifted(model, [x, y], base) {
  const linear = model.points?.linear;
  if (!linear) return null;
  const [u, v] = placeOf(model, base);
  const [right, up] = linear.axes;
  return base.map((from, j) => from + right[j] * (x - u) + up[j] * (y - v));
}

/** The same, wherever it is known. @param {App} app @param {Model} model @returns {Promise<number[]>} */
export async function codeAt(app, model, place, base) {
  const { kind } = app.store.get();
  return lifted(model, place, base) ?? app.backend.lift(model.m, kind, place[0], place[1], base);
}

/** Look at an image of the data: every model goes to its own posterior mean. @param {App} app */
export async function choose(app, i) {
  const answers = await posteriors(app, i);
  if (!answers) return;
  app.scene.set({ ellipses: answers.map((answer) => answer.ellipse) });
  app.store.set({ point: i, z: answers.map((answer) => answer.z), label: labelOf(app, answers[0].label) });
  app.say(`Image ${i}${named(app.models[0], answers[0].label)} chosen.`);
}

/** An image's own class, where the models are given one; else what they are given now. */
export function labelOf(app, label) {
  const condition = conditionOf(app.models.map(({ info }) => info));
  return condition?.on === "label" && label !== null ? label : app.store.get().label;
}

/** The posterior of image i in every model; null, with the reason shown, where one fails. */
export async function posteriors(app, i) {
  const { kind } = app.store.get();
  try {
    return await Promise.all(app.models.map(({ m }) => app.backend.point(m, i, kind)));
  } catch (error) {
    app.fail(error);
    return null;
  }
}

/** Look at a code of one model that is no image's. @param {App} app */
export function go(app, m, z) {
  app.store.set({ point: null, z: app.store.get().z.map((code, k) => (k === m ? z : code)) });
  app.scene.set({ ellipses: app.models.map(() => null) });
}

/** Look at codes of all models. */
export function goAll(app, z) {
  app.store.set({ point: null, z });
  app.scene.set({ ellipses: app.models.map(() => null) });
}

/** ", a 7" or the like. */
export function named(model, label) {
  const names = model.info.classes;
  return names && label !== null && label >= 0 ? `, class ${names[label] ?? label},` : "";
}

/** A code in few words. */
export function inWords(z) {
  const some = z.slice(0, 2).map((value) => nice(value, 2));
  return z.length > 2 ? `z = (${some.join(", ")}, … ${z.length} in all)` : `z = (${some.join(", ")})`;
}
