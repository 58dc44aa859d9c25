/** Paths between two latent vectors, computed as in `vaekit.models.vae.interpolate`. */

/** @param {number[]} a @param {number[]} b @param {"linear"|"spherical"} path @returns {number[][]} */
export function interpolate(a, b, steps, path) {
  const times = Array.from({ length: steps }, (_, k) => k / (steps - 1));
  return times.map(path === "spherical" ? slerp(a, b) : (t) => a.map((from, j) => from + t * (b[j] - from)));
}

/** Constant angular speed from one direction to the other, length linear in t; opposite directions go through 0. */
function slerp(a, b) {
  const [lengthA, lengthB] = [Math.hypot(...a), Math.hypot(...b)];
  const [from, to] = [a.map((v) => v / Math.max(lengthA, 1e-12)), b.map((v) => v / Math.max(lengthB, 1e-12))];
  const cosine = from.reduce((sum, v, j) => sum + v * to[j], 0);
  const angle = Math.min(Math.max(Math.acos(Math.min(Math.max(cosine, -1), 1)), 1e-4), Math.PI - 1e-4);
  return (t) => {
    const scale = (lengthA + t * (lengthB - lengthA)) / Math.sin(angle);
    return from.map((v, j) => scale * (Math.sin((1 - t) * angle) * v + Math.sin(t * angle) * to[j]));
  };
}
