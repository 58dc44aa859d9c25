/**
 * Nearest-neighbor search: points are sorted into the cells of a grid, and only nearby cells are searched.
 *
 * @typedef {Object} Grid
 * @property {(x: number, y: number, reach: number, allowed: (i: number) => boolean) => number} nearest
 *   the index of the nearest allowed point within `reach` units, or -1
 * @property {(left: number, right: number, bottom: number, top: number, most: number, allowed: (i: number) => boolean) => number[]|null} inside
 */

const CELLS = 160; // across and up

/** @param {Float32Array} xs @param {Float32Array} ys @param {number[]} bounds @returns {Grid} */
export function createGrid(xs, ys, [x0, x1, y0, y1]) {
  const column = (x) => clamp(Math.floor(((x - x0) / (x1 - x0)) * CELLS));
  const row = (y) => clamp(Math.floor(((y - y0) / (y1 - y0)) * CELLS));
  const { starts, order } = sorted(xs, ys, (i) => row(ys[i]) * CELLS + column(xs[i]));
  function nearest(x, y, reach, allowed) {
    let best = -1;
    let closest = reach * reach;
    for (let r = row(y - reach); r <= row(y + reach); r++)
      for (
        let k = starts[r * CELLS + column(x - reach)];
        k < starts[r * CELLS + column(x + reach) + 1];
        k++
      ) {
        const i = order[k];
        const distance = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
        if (distance < closest && allowed(i)) [best, closest] = [i, distance];
      }
    return best;
  }

  /** The allowed points of a rectangle; null if there are more than `most`. */
  function inside(left, right, bottom, top, most, allowed) {
    const found = [];
    for (let r = row(bottom); r <= row(top); r++)
      for (let k = starts[r * CELLS + column(left)]; k < starts[r * CELLS + column(right) + 1]; k++) {
        const i = order[k];
        if (xs[i] < left || xs[i] > right || ys[i] < bottom || ys[i] > top || !allowed(i)) continue;
        if (found.length === most) return null;
        found.push(i);
      }
    return found;
  }
  return { nearest, inside };
}

const clamp = (cell) => Math.min(Math.max(cell, 0), CELLS - 1);

/** Counting sort: the points of cell c are order[starts[c]] ... order[starts[c + 1] - 1]. */
function sorted(xs, ys, cell) {
  const starts = new Uint32Array(CELLS * CELLS + 1);
  for (let i = 0; i < xs.length; i++) starts[cell(i) + 1]++;
  for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
  const next = starts.slice();
  const order = new Uint32Array(xs.length);
  for (let i = 0; i < xs.length; i++) order[next[cell(i)]++] = i;
  return { starts, order };
}
