/** The visible part of the plane, and the points in it. */
import { fit, scale, toWorld } from "./camera.js";

const RADIUS = 8; // pixels within which a point is under the pointer
const TILE = 44; // approximate size in pixels of a tile of the backdrop
/** @type {[number, number, number, number]} */
const DEFAULT_BOUNDS = [-4, 4, -4, 4]; // before the points are loaded

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function createView(app, model) {
  const { m } = model;
  const size = { width: 1, height: 1 };
  const whole = () => fit(model.points?.bounds ?? DEFAULT_BOUNDS, size);
  const camera = () => app.store.get().camera[m] ?? whole();
  const setCamera = (next) =>
    app.store.set({ camera: app.store.get().camera.map((old, k) => (k === m ? next : old)) });

  /** Whether an image is shown: its class is, and if some images are chosen, it is one of them. */
  const shown = (i) => app.chosen.level[i] === 2 || (app.chosen.level[i] === 1 && !app.chosen.active);

  /** The nearest image that is shown, or -1. */
  function nearest(x, y, reach) {
    return model.grid?.nearest(x, y, reach, shown) ?? -1;
  }

  /** The point of the map at a pixel, and the image there. */
  function placeAt(px, py) {
    const [x, y] = toWorld(camera(), size, px, py);
    return { m, x, y, px, py, i: nearest(x, y, RADIUS / scale(camera(), size)) };
  }

  /** The square of the backdrop around the visible part, and its number of tiles per row. */
  function square() {
    const { x, y } = camera();
    const long = Math.max(size.width, size.height);
    const n = Math.min(Math.max(Math.round(long / TILE), 6), 28);
    return { x, y, side: long / scale(camera(), size), n };
  }

  return { toWorld: (px, py) => toWorld(camera(), size, px, py), size, whole, camera, setCamera, shown, nearest, placeAt, square };
}
