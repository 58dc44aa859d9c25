/**
 * A search among the data: words of a class, #index, or comparisons such as "kl > 20 and class = 7".
 *
 * @typedef {{test: (i: number) => boolean}|{error: string}} Search
 */
import { numbersOf } from "./numbers.js";

const COMPARISON = /^(.+?)\s*(<=|>=|!=|=|<|>)\s*(.+)$/;
const COMPARE = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/** @param {string} query @param {import("../types.js").Points} points @param {import("../types.js").ModelInfo} info @returns {Search} */
export function parse(query, points, info) {
  const parts = query
    .split(/\s+and\s+|,/i)
    .map((part) => part.trim())
    .filter(Boolean);
  const tests = parts.map((part) => testOf(part, points, info));
  const wrong = tests.find((test) => typeof test === "string");
  return wrong ? { error: wrong } : { test: (i) => tests.every((test) => test(i)) };
}

function testOf(part, points, info) {
  const compared = COMPARISON.exec(part);
  if (compared) return comparison(compared[1], compared[2], compared[3], points, info);
  const index = /^#(\d+)$/.exec(part);
  if (index) return indexTest(Number(index[1]), points.n);
  const found = classesNamed(part, points, info);
  if (found.size) return (i) => found.has(points.label[i]);
  if (/^\d+$/.test(part)) return indexTest(Number(part), points.n);
  return `"${part}": expected a class, #index, or a comparison such as kl > 20`;
}

function indexTest(index, n) {
  return index < n ? (i) => i === index : `#${index}: the last index is ${n - 1}`;
}

/** Classes whose name is the word, or else those whose name contains it. */
function classesNamed(word, points, info) {
  const names = points.label ? (info.classes ?? []) : [];
  const lower = names.map((name) => String(name).toLowerCase());
  const same = lower.flatMap((name, k) => (name === word.toLowerCase() ? [k] : []));
  return new Set(same.length ? same : lower.flatMap((name, k) => (name.includes(word.toLowerCase()) ? [k] : [])));
}

function comparison(name, sign, text, points, info) {
  const plain = (word) => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  if (plain(name) === "class") {
    const found = classesNamed(text, points, info);
    if (!found.size || !["=", "!="].includes(sign)) return `class: expected = or != and one of the classes, got ${sign} ${text}`;
    return (i) => found.has(points.label[i]) === (sign === "=");
  }
  const column =
    plain(name) === "index"
      ? { values: { at: (i) => i } }
      : numbersOf(points).find(({ key, short, name: full }) => [key, short, full].some((word) => plain(word) === plain(name)));
  if (!column) {
    const known = ["class", "index", ...numbersOf(points).map(({ short }) => short)];
    return `"${name}": expected one of ${known.join(", ")}`;
  }
  const value = Number(text.replace("−", "-"));
  if (Number.isNaN(value)) return `${name}: expected a number after ${sign}, got "${text}"`;
  return (i) => COMPARE[sign](column.values.at(i), value);
}
