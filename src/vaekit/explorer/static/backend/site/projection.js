/** The linear map without a server: p = A (z - m), its inverse, and the ellipse of a posterior. */

/** The point of a latent vector. @param {{axes: number[][], origin: number[]}} linear @returns {number[]} */
export function project({ axes, origin }, z) {
  return axes.map((row) => row.reduce((sum, a, j) => sum + a * (z[j] - origin[j]), 0));
}

/** The latent vector at a point, nearest to `base`, or to the origin without one. */
export function unproject(linear, [x, y], base) {
  const start = base ?? linear.origin;
  const [u, v] = project(linear, start);
  const [right, up] = linear.axes;
  return start.map((from, j) => from + right[j] * (x - u) + up[j] * (y - v));
}

/** The ellipse of one standard deviation of independent latents: axes and angle of A diag(std^2) A^T. */
export function ellipse({ axes: [right, up] }, [x, y], std) {
  const sum = (f) => std.reduce((total, s, j) => total + f(j) * s * s, 0);
  const [xx, yy, xy] = [sum((j) => right[j] ** 2), sum((j) => up[j] ** 2), sum((j) => right[j] * up[j])];
  const middle = (xx + yy) / 2;
  const half = Math.hypot((xx - yy) / 2, xy);
  return { x, y, a: Math.sqrt(middle + half), b: Math.sqrt(Math.max(middle - half, 0)), angle: Math.atan2(2 * xy, xx - yy) / 2 };
}
