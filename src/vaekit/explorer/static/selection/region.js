/** Regions of a map: rectangles and lassos as polygons, [[x, y], ...]. */

const MOST = 60; // corners of a lasso that is kept in the address

/** Whether a point lies within a polygon: a ray from it crosses the edges an odd number of times. */
export function contains(polygon, x, y) {
  let inside = false;
  for (let k = 0, before = polygon.length - 1; k < polygon.length; before = k++) {
    const [[x0, y0], [x1, y1]] = [polygon[k], polygon[before]];
    if (y0 > y !== y1 > y && x < ((x1 - x0) * (y - y0)) / (y1 - y0) + x0) inside = !inside;
  }
  return inside;
}

/** 1 for each point within a polygon. @param {Float32Array} xs @param {Float32Array} ys */
export function within(polygon, xs, ys) {
  const [left, right] = [Math.min(...polygon.map(([x]) => x)), Math.max(...polygon.map(([x]) => x))];
  const [low, high] = [Math.min(...polygon.map(([, y]) => y)), Math.max(...polygon.map(([, y]) => y))];
  return Uint8Array.from(xs, (x, i) =>
    x >= left && x <= right && ys[i] >= low && ys[i] <= high && contains(polygon, x, ys[i]) ? 1 : 0,
  );
}

/** The corners of a rectangle between two points. */
export const rectangle = ([x0, y0], [x1, y1]) => [
  [x0, y0],
  [x1, y0],
  [x1, y1],
  [x0, y1],
];

/** A line of many points as one of few. */
export function thinned(line) {
  const step = Math.max(line.length / MOST, 1);
  return Array.from({ length: Math.min(line.length, MOST) }, (_, k) => line[Math.floor(k * step)]);
}
