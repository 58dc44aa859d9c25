/**
 * Move in latent space: to the posterior mean of an image, to a point of the map, or to given numbers.
 *
 * If the map is linear, with orthonormal rows A and an origin m, a latent vector z lies at p = A (z - m), and a point p
 * is unprojected from a base b to z = b + A^T (p - A (b - m)), the latent vector nearest to b that lies there. Other
 * maps ask the backend.
 *
 * @typedef {import("./types.js").App} App
 * @typedef {import("./types.js").Model} Model
 */

import { formatNumber } from "./dom.js";
import { turnPoint } from "./map/space.js";
import { conditionOf } from "./state.js";

/** The point of a latent vector on the map, [x, y], as it is seen; null if the map is not linear. */
export function project(model, z) {
  const linear = model.points?.linear;
  if (!linear) return null;
  return seenAt(model, linear.axes.map((row) => row.reduce((sum, a, j) => sum + a * (z[j] - linear.origin[j]), 0)));
}

/** Where a point of the map is seen: one of a map in space is turned. */
export function seenAt(model, point) {
  const { space } = model;
  return space && point.length === 3 ? turnPoint(point, space.middle, space.turn).slice(0, 2) : point.slice(0, 2);
}

/** The latent vector at a point, nearest to `base`; null if the map is no plane. */
export function unproject(model, [x, y], base) {
  const linear = model.points?.linear;
  if (!linear || model.points.dims === 3) return null;
  const [u, v] = project(model, base);
  const [right, up] = linear.axes;
  return base.map((from, j) => from + right[j] * (x - u) + up[j] * (y - v));
}

/** The map that is shown: its kind and dimensions, which may differ from those that are still computed. */
export function shownMap(app, model) {
  const { kind, dims } = model.points ?? { kind: app.store.get().kind, dims: 2 };
  return { kind, dims };
}

/** Whether a point of the map is decoded as a mean of its nearest images, and not on a plane. */
export function isBetween(app, model) {
  return !model.points?.linear || (app.store.get().between === "neighbors" && model.points.kind !== "latents");
}

/** The same for any map; `base` if it is in space. @param {App} app @param {Model} model @returns {Promise<number[]>} */
export async function latentAt(app, model, [x, y], base) {
  const { kind, dims } = shownMap(app, model);
  if (dims === 3) return base;
  if (!isBetween(app, model)) return unproject(model, [x, y], base);
  return app.backend.unproject(model.m, kind, x, y, base, "neighbors");
}

/** Select an image of the data: every model moves to its own posterior mean. @param {App} app */
export async function selectImage(app, i) {
  const answers = await posteriors(app, i);
  if (!answers) return;
  app.scene.set({ ellipses: answers.map((answer) => answer.ellipse) });
  app.store.set({ point: i, z: answers.map((answer) => answer.z), label: labelFor(app, answers[0].label) });
  app.announce(`Image ${i}${classNote(app.models[0], answers[0].label)} selected.`);
}

/** The class of an image if the models are conditioned on it; otherwise the current condition. */
export function labelFor(app, label) {
  const condition = conditionOf(app.models.map(({ info }) => info));
  return condition?.variable === "label" && label !== null ? label : app.store.get().label;
}

/** The posterior of image i in every model; null if one fails, after showing the error. */
export async function posteriors(app, i) {
  try {
    const point = (model) => {
      const { kind, dims } = shownMap(app, model);
      return app.backend.point(model.m, i, kind, dims);
    };
    return await Promise.all(app.models.map(point));
  } catch (error) {
    app.showError(error);
    return null;
  }
}

/** Move one model to a latent vector that belongs to no image. @param {App} app */
export function setLatent(app, m, z) {
  app.store.set({ point: null, z: app.store.get().z.map((old, k) => (k === m ? z : old)) });
  app.scene.set({ ellipses: app.models.map(() => null) });
}

/** Move all models to latent vectors. */
export function setLatents(app, z) {
  app.store.set({ point: null, z });
  app.scene.set({ ellipses: app.models.map(() => null) });
}

/** ", class 7," or the like. */
function classNote(model, label) {
  const names = model.info.classes;
  return names && label !== null && label >= 0 ? `, class ${names[label] ?? label},` : "";
}

/** A latent vector in short form. */
export function describeLatent(z) {
  const first = z.slice(0, 2).map((value) => formatNumber(value, 2));
  return z.length > 2 ? `z = (${first.join(", ")}, … ${z.length} latents)` : `z = (${first.join(", ")})`;
}
