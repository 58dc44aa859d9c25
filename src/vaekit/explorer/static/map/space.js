/**
 * A map in space, seen from a direction: points turned by two angles about their middle, so that the plane of the screen
 * holds x and y, and the depth grows towards the reader.
 *
 * @typedef {[number, number]} Turn  about the vertical axis, then about the horizontal one, in radians
 */

const SPEED = 0.008; // radians per pixel that is dragged
const REACH = 1.08; // the shown radius, in radii of nearly all points
const SHARE = 0.998; // of the points within the radius

/** The middle and the radius of points in space. */
export function extent({ x, y, depth }) {
  const middle = [x, y, depth].map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const distances = Float32Array.from(x, (_, i) =>
    Math.hypot(x[i] - middle[0], y[i] - middle[1], depth[i] - middle[2]),
  ).sort();
  return { middle, radius: REACH * (distances[Math.floor(SHARE * (distances.length - 1))] || 1) };
}

/** One point as it is seen, [x, y, depth]. @param {number[]} point @param {number[]} middle @param {Turn} turn */
export function turnPoint([x, y, z], [mx, my, mz], [yaw, pitch]) {
  const [a, b, c] = [x - mx, y - my, z - mz];
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const [right, back] = [cy * a + sy * c, -sy * a + cy * c];
  return [right, cp * b - sp * back, sp * b + cp * back];
}

/** All points as they are seen: arrays of x, y and depth. */
export function turnPoints({ x, y, depth }, middle, [yaw, pitch]) {
  const n = x.length;
  const seen = { x: new Float32Array(n), y: new Float32Array(n), depth: new Float32Array(n) };
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  for (let i = 0; i < n; i++) {
    const [a, b, c] = [x[i] - middle[0], y[i] - middle[1], depth[i] - middle[2]];
    const back = cy * c - sy * a;
    seen.x[i] = cy * a + sy * c;
    seen.y[i] = cp * b - sp * back;
    seen.depth[i] = sp * b + cp * back;
  }
  return seen;
}

/** The turn after a drag by pixels; the poles are not passed. @param {Turn} turn @returns {Turn} */
export function dragged([yaw, pitch], dx, dy) {
  const limit = Math.PI / 2;
  return [yaw + SPEED * dx, Math.min(Math.max(pitch + SPEED * dy, -limit), limit)];
}
