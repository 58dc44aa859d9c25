/** The ways between two codes, as `vaekit.models.vae.interpolate` goes them. */

/** @param {number[]} a @param {number[]} b @param {"linear"|"spherical"} path @returns {number[][]} */
export function way(a, b, steps, path) {
  const times = Array.from({ length: steps }, (_, k) => k / (steps - 1));
  return times.map(path === "spherical" ? arc(a, b) : (t) => a.map((from, j) => from + t * (b[j] - from)));
}

/** An even turn from one direction to the other, while the length goes evenly; opposite ones through 0. */
function arc(a, b) {
  const [long, short] = [Math.hypot(...a), Math.hypot(...b)];
  const [from, to] = [a.map((v) => v / Math.max(long, 1e-12)), b.map((v) => v / Math.max(short, 1e-12))];
  const cosine = from.reduce((sum, v, j) => sum + v * to[j], 0);
  const angle = Math.min(Math.max(Math.acos(Math.min(Math.max(cosine, -1), 1)), 1e-4), Math.PI - 1e-4);
  return (t) => {
    const length = (long + t * (short - long)) / Math.sin(angle);
    return from.map((v, j) => length * (Math.sin((1 - t) * angle) * v + Math.sin(t * angle) * to[j]));
  };
}
