/**
 * Colors for numbers and classes, each with a contrast of at least 3:1 to the ground of the map, light and dark. Up to ten
 * classes have the hues of Tol's "muted" colors, as in vaekit's figures; more share a rainbow. Numbers use cividis, which
 * looks the same to color-blind readers, without the end that the ground would swallow.
 */

const TEN = {
  light: "332288 1b84c4 2c8a7d 117733 7a8221 a87512 c45a6c 882255 aa4499 1f2328".split(" "),
  dark: "8f82f0 88ccee 44aa99 3da35d a9a93f ddcc77 cc6677 c8508a c66cb8 e6e8eb".split(" "),
};
const RAINBOW = {
  light: (
    "4a36a0 4454c3 3f70e8 1485e0 1790a0 118f6d 068a30 2f8a00 " +
    "5f8a07 858512 a07005 c86400 dd5210 d43c08 be2102 920b01"
  ).split(" "),
  dark: (
    "8a76d0 7484e8 467df4 38a5fb 1ecbda 1de7b2 4af880 88ff4e " +
    "b9f635 dfdf37 f8be39 fe962b f46617 e8582a d8503a c84a48"
  ).split(" "),
};
const CIVIDIS = {
  light: "00224e 16366e 394a70 575d6d 70706b 857c58 968538 a68700".split(" "),
  dark: "5f6f9f 66799f 7388a0 8796a0 a0a28f beb47c dec958 fee838".split(" "),
};
const PLAIN = { light: "5f6773", dark: "9aa3ae" };
const BYTES = new Map();
const RANGES = new WeakMap();
const on = (colors, dark) => (dark ? colors.dark : colors.light);

/** The color of class k among n, "#rrggbb". */
export function classColor(k, n, dark) {
  if (n <= 10) return `#${on(TEN, dark)[k % 10]}`;
  return hex(along(on(RAINBOW, dark), k / Math.max(n - 1, 1)));
}

/** The color scale, for the CSS of the legend. */
export const colorScale = (dark) => on(CIVIDIS, dark).map((color) => `#${color}`);

/**
 * The range of a color scale: from the 1st to the 99th percentile, so that outliers do not flatten it.
 *
 * @param {Float32Array} values
 * @returns {[number, number]}
 */
export function range(values) {
  if (RANGES.has(values)) return RANGES.get(values);
  const known = values.filter(Number.isFinite).sort();
  const at = (share) => known[Math.round(share * (known.length - 1))] ?? 0;
  const found = at(0.99) > at(0.01) ? [at(0.01), at(0.99)] : [at(0.01) - 1, at(0.01) + 1];
  RANGES.set(values, found);
  return found;
}

const GROUND = { light: [251, 251, 252], dark: [18, 21, 24] };
const MUTED = 0.86; // how much of the ground is in the color of a point that is not chosen

/**
 * RGBA bytes of all points; those of hidden classes are transparent, and those that are not chosen are muted.
 *
 * @param {import("../types.js").Points} points
 * @param {string} color  "label", "none" or the name of an array of numbers
 * @param {number} classes
 * @param {import("../selection/chosen.js").Chosen} chosen
 * @param {boolean} dark
 */
export function paint(points, color, classes, { level }, dark) {
  const rgba = new Uint8Array(points.n * 4);
  const [colors, indexOf] = coloring(points, color, classes, dark);
  const muted = colors.map((ink) => ink.map((value, c) => value + MUTED * (on(GROUND, dark)[c] - value)));
  for (let i = 0; i < points.n; i++) {
    const ink = (level[i] === 1 ? muted : colors)[indexOf(i)];
    const at = 4 * i;
    rgba[at] = ink[0];
    rgba[at + 1] = ink[1];
    rgba[at + 2] = ink[2];
    rgba[at + 3] = level[i] === 0 ? 0 : 255;
  }
  return rgba;
}

/** The colors, the first of them for points without a value, and the index of that of each point. */
function coloring(points, color, classes, dark) {
  const plain = rgb(on(PLAIN, dark));
  const values = points[color];
  if (!values) return [[plain], () => 0];
  if (color === "label") {
    const palette = Array.from({ length: classes }, (_, k) => rgb(classColor(k, classes, dark).slice(1)));
    return [[plain, ...palette], (i) => (values[i] >= 0 && values[i] < classes ? values[i] + 1 : 0)];
  }
  const [low, high] = range(values);
  const steps = Array.from({ length: 256 }, (_, k) => along(on(CIVIDIS, dark), k / 255));
  const step = (value) => Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
  return [[plain, ...steps], (i) => (Number.isNaN(values[i]) ? 0 : step(values[i]) + 1)];
}

function along(colors, t) {
  const place = t * (colors.length - 1);
  const k = Math.min(Math.floor(place), colors.length - 2);
  const [a, b] = [rgb(colors[k]), rgb(colors[k + 1])];
  return a.map((from, c) => Math.round(from + (b[c] - from) * (place - k)));
}

function rgb(color) {
  if (!BYTES.has(color))
    BYTES.set(
      color,
      [0, 2, 4].map((at) => parseInt(color.slice(at, at + 2), 16)),
    );
  return BYTES.get(color);
}

/** Bytes of red, green and blue as "#rrggbb". */
export const hex = (bytes) => `#${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
