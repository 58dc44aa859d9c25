/** The map without a server: p = A (z - m), the way back, and the spread of a posterior on it. */

/** Where a code lies. @param {{axes: number[][], origin: number[]}} linear @returns {number[]} */
export function placedBy({ axes, origin }, z) {
  return axes.map((row) => row.reduce((sum, a, j) => sum + a * (z[j] - origin[j]), 0));
}

/** The code at a place, nearest to `base`, or to the origin without one. */
export function liftedBy(linear, [x, y], base) {
  const start = base ?? linear.origin;
  const [u, v] = placedBy(linear, start);
  const [right, up] = linear.axes;
  return start.map((from, j) => from + right[j] * (x - u) + up[j] * (y - v));
}

/** The curve of one standard deviation, of independent numbers: axes and angle of A diag(sd^2) A^T. */
export function ellipseOf({ axes: [right, up] }, [x, y], sd) {
  const sum = (f) => sd.reduce((total, s, j) => total + f(j) * s * s, 0);
  const [xx, yy, xy] = [sum((j) => right[j] ** 2), sum((j) => up[j] ** 2), sum((j) => right[j] * up[j])];
  const middle = (xx + yy) / 2;
  const half = Math.hypot((xx - yy) / 2, xy);
  return { x, y, a: Math.sqrt(middle + half), b: Math.sqrt(Math.max(middle - half, 0)), angle: Math.atan2(2 * xy, xx - yy) / 2 };
}
