/** Nearest data points without a server, in latent space and on a map. */

const AVERAGED = 8; // images whose latents are averaged at a point of a map

/** The n allowed latent vectors (rows of `means`) nearest to z, the nearest first. @param {Float32Array} means */
export function nearest(means, d, z, n, allowed) {
  const count = means.length / d;
  const squares = Float64Array.from({ length: count }, (_, i) => {
    if (!allowed(i)) return Infinity;
    let sum = 0;
    for (let j = 0; j < d; j++) sum += (means[i * d + j] - z[j]) ** 2;
    return sum;
  });
  const index = smallest(squares, n).filter((i) => squares[i] < Infinity);
  return { index, distance: index.map((i) => Math.sqrt(squares[i])) };
}

/** The images nearest to a point of a map, with weights that fall with the distance. @returns {[number, number][]} */
export function sourcesAt({ x: xs, y: ys }, x, y) {
  const squares = Float64Array.from(xs, (left, i) => (left - x) ** 2 + (ys[i] - y) ** 2);
  const index = smallest(squares, AVERAGED);
  const weights = index.map((i) => 1 / Math.max(Math.sqrt(squares[i]), 1e-9));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return index.map((i, k) => [i, weights[k] / total]);
}

/** The indices of the n smallest values, in rising order. */
function smallest(values, n) {
  const found = [];
  for (let i = 0; i < values.length; i++) {
    if (found.length === n && values[i] >= values[found[n - 1]]) continue;
    let at = Math.min(found.length, n - 1);
    if (found.length < n) found.push(i);
    for (; at > 0 && values[found[at - 1]] > values[i]; at--) found[at] = found[at - 1];
    found[at] = i;
  }
  return found;
}
