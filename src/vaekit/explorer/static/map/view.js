/** What part of the plane a map shows, and which point is where. */
import { fit, scale, toWorld } from "./camera.js";

const REACH = 8; // pixels within which a point is under the pointer
const TILE = 44; // pixels across, about, of a tile of the backdrop
/** @type {[number, number, number, number]} */
const NOWHERE = [-4, 4, -4, 4]; // the bounds before the points came

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function createView(app, model) {
  const { m } = model;
  const size = { width: 1, height: 1 };
  const whole = () => fit(model.points?.bounds ?? NOWHERE, size);
  const camera = () => app.store.get().camera[m] ?? whole();
  const see = (next) =>
    app.store.set({ camera: app.store.get().camera.map((old, k) => (k === m ? next : old)) });

  /** The nearest image whose class is shown, or -1. */
  function nearest(x, y, reach) {
    const { hidden } = app.store.get();
    const shown = (i) => !model.points.label || !hidden.includes(model.points.label[i]);
    return model.grid?.nearest(x, y, reach, shown) ?? -1;
  }

  /** What is at a pixel. */
  function under(px, py) {
    const [x, y] = toWorld(camera(), size, px, py);
    return { m, x, y, i: nearest(x, y, REACH / scale(camera(), size)) };
  }

  /** What the backdrop is decoded for: the square around what is seen, and how many tiles go across it. */
  function square() {
    const { x, y } = camera();
    const long = Math.max(size.width, size.height);
    const n = Math.min(Math.max(Math.round(long / TILE), 6), 28);
    return { x, y, side: long / scale(camera(), size), n };
  }

  return { size, whole, camera, see, nearest, under, square };
}
