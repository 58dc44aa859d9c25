/**
 * The camera: the visible part of the plane. Both axes have the same scale, y points up.
 *
 *     screen x = w / 2 + scale (x - camera.x),   screen y = h / 2 - scale (y - camera.y),   scale = min(w, h) / span
 *
 * Pure functions of a camera {x, y, span} and a size {width, height} in CSS pixels.
 *
 * @typedef {import("../types.js").Camera} Camera
 * @typedef {{width: number, height: number}} Size
 */

const MIN_SPAN = 1e-4; // of the whole map
const MAX_SPAN = 8;

/** Pixels per unit. @param {Camera} camera @param {Size} size */
export const scale = (camera, size) => Math.min(size.width, size.height) / camera.span;

export function toScreen(camera, size, x, y) {
  const s = scale(camera, size);
  return [size.width / 2 + s * (x - camera.x), size.height / 2 - s * (y - camera.y)];
}

export function toWorld(camera, size, px, py) {
  const s = scale(camera, size);
  return [camera.x + (px - size.width / 2) / s, camera.y - (py - size.height / 2) / s];
}

/** The camera that shows all of [x0, x1, y0, y1]. */
export function fit([x0, x1, y0, y1], size) {
  const short = Math.min(size.width, size.height);
  const span = Math.max(((x1 - x0) * short) / size.width, ((y1 - y0) * short) / size.height, 1e-6);
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, span };
}

/** Move by pixels. */
export function pan(camera, size, dx, dy) {
  const s = scale(camera, size);
  return { ...camera, x: camera.x - dx / s, y: camera.y + dy / s };
}

/** Zoom in by a factor (below 1: out); the point at the pixel stays there. */
export function zoom(camera, size, px, py, factor, whole) {
  const span = Math.min(Math.max(camera.span / factor, whole * MIN_SPAN), whole * MAX_SPAN);
  const [x, y] = toWorld(camera, size, px, py);
  const ratio = span / camera.span;
  return { x: x + (camera.x - x) * ratio, y: y + (camera.y - y) * ratio, span };
}

/** The visible bounds, [x0, x1, y0, y1]. */
export function visibleBounds(camera, size) {
  const [x0, y1] = toWorld(camera, size, 0, 0);
  const [x1, y0] = toWorld(camera, size, size.width, size.height);
  return [x0, x1, y0, y1];
}

/**
 * Round numbers between two ends, about `count` of them and at least three: steps of 1, 2 or 5 times a power of ten.
 */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].findLast((times) => times === 1 || times * power <= 1.4 * rough);
  const first = Math.ceil(low / step);
  const values = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, k) => (first + k) * step);
  return { values, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}
