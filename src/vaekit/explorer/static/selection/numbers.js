/**
 * The numbers of the data by which points are colored, filtered and searched.
 *
 * @typedef {Object} Column
 * @property {string} key
 * @property {string} name  in full
 * @property {string} short
 * @property {string} unit
 * @property {number} digits
 * @property {Float32Array} values
 */

const KNOWN = [
  ["log_likelihood", "Log-likelihood, log p(x)", "log p(x)", "nats", 1],
  ["kl", "KL(q(z | x), p(z))", "KL", "nats", 1],
  ["reconstruction", "Reconstruction, log p(x | z)", "log p(x|z)", "nats", 1],
  ["error", "Mean error of the reconstruction", "error", "", 4],
];

/** Those that are measured, and the attributes. @param {import("../types.js").Points} points @returns {Column[]} */
export function numbersOf(points) {
  const known = KNOWN.filter(([key]) => points[key]).map(([key, name, short, unit, digits]) => ({
    key,
    name,
    short,
    unit,
    digits,
    values: points[key],
  }));
  const attributes = Object.entries(points.attributes ?? {}).map(([name, values]) => ({
    key: `attribute ${name}`,
    name,
    short: name,
    unit: "",
    digits: digitsOf(values),
    values,
  }));
  return [...known, ...attributes];
}

/** Enough digits to tell the values apart. */
function digitsOf(values) {
  if (values.every((value) => Number.isInteger(value) || Number.isNaN(value))) return 0;
  const [low, high] = ends(values);
  return Math.min(Math.max(2 - Math.floor(Math.log10(Math.max(high - low, 1e-12))), 0), 6);
}

/** The smallest and the largest of the known values. */
export function ends(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
