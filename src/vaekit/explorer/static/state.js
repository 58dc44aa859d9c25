/**
 * The state of the page and the fragment of its address agree: #tool=interpolate&z=0.12,-1.5&t=0.4
 *
 * Only values that differ from the initial state are written. Values of a link are checked: one that does not fit
 * the models is ignored, so no address can break the page.
 *
 * @typedef {import("./types.js").State} State
 */

import { isTour, STEPS } from "./tour/steps.js";

const TOOLS = ["sliders", "select", "interpolate", "compare", "draw", "computation", "classes", "pseudo_inputs"];
const COLORS = ["label", "reconstruction", "kl", "log_likelihood", "error", "none"];

const number = (low, high) => ({
  write: (value) => short(value),
  read: (text) => (text.trim() && Number(text) >= low && Number(text) <= high ? Number(text) : undefined),
});
const whole = (low, high) => ({
  write: String,
  read: (text) => (/^\d{1,9}$/.test(text) && +text >= low && +text <= high ? +text : undefined),
});
const one = (names) => ({ write: String, read: (text) => (names.includes(text) ? text : undefined) });
const flag = { write: (value) => (value ? "1" : "0"), read: (text) => ({ 1: true, 0: false })[text] };
const vector = { write: (value) => value.map(short).join(","), read: numbers };
const vectors = {
  write: (value) => value.map(vector.write).join(";"),
  read: (text) => every(text.split(";").map(numbers)),
};
const classes = { write: vector.write, read: (text) => (text === "" ? [] : numbers(text)) };
const label = {
  write: (value) => (Array.isArray(value) ? `v${vector.write(value)}` : String(value)),
  read: (text) => (text.startsWith("v") ? numbers(text.slice(1)) : whole(0, 1e6).read(text)),
};
const end = {
  write: (value) => ("index" in value ? `i${value.index}` : `z${vectors.write(value.z)}`),
  read(text) {
    const value = text.startsWith("i") ? whole(0, 1e9).read(text.slice(1)) : vectors.read(text.slice(1));
    if (value !== undefined) return text.startsWith("i") ? { index: value } : { z: value };
  },
};
const camera = {
  write: (value) => value.map((one) => (one ? vector.write([one.x, one.y, one.span]) : "")).join(";"),
  read: (text) => every(text.split(";").map((one) => (one ? view(numbers(one)) : null))),
};

const pair = { write: vector.write, read: (text) => (numbers(text)?.length === 2 ? numbers(text) : undefined) };
const filters = {
  write: (value) =>
    Object.entries(value)
      .map(([key, range]) => `${encodeURIComponent(encodeURIComponent(key))}:${vector.write(range)}`)
      .join(";"),
  read(text) {
    const parts = text ? text.split(";").map((part) => part.split(":")) : [];
    const ranges = parts.map(([key, range]) => [decode(key), numbers(range ?? "")]);
    return ranges.every(([key, range]) => key && range?.length === 2) ? Object.fromEntries(ranges) : undefined;
  },
};
const region = {
  write: ({ m, corners, turn }) => [String(m), turn ? vector.write(turn) : "", ...corners.map(vector.write)].join(";"),
  read(text) {
    const [m, turn, ...rest] = text.split(";");
    const corners = rest.map(numbers);
    if (!/^[01]$/.test(m) || corners.length < 3 || corners.some((corner) => corner?.length !== 2)) return undefined;
    return { m: Number(m), turn: turn ? pair.read(turn) : null, corners };
  },
};
const words = {
  write: (value) => encodeURIComponent(value),
  read: (text) => (text.length <= 200 ? text : undefined),
};

const letters = { write: String, read: (text) => (/^[\w-]{0,6000}$/.test(text) ? text : undefined) };

/** How each key of the state is written and read. */
const FIELDS = {
  tour: whole(1, 99),
  show: classes,
  embed: one(["map", "figure", "tool"]),
  tool: one(TOOLS),
  kind: one(["latents", "pca", "umap", "tsne"]),
  dims: { write: String, read: (text) => ({ 2: 2, 3: 3 })[text] },
  turn: pair,
  between: one(["plane", "neighbors"]),
  color: one(COLORS),
  hidden: classes,
  point: whole(0, 1e9),
  z: vectors,
  label,
  density: flag,
  backdrop: flag,
  ellipse: flag,
  thumbnails: flag,
  filters,
  query: words,
  region,
  camera,
  a: end,
  b: end,
  path: one(["linear", "spherical"]),
  steps: whole(3, 16),
  t: number(0, 1),
  temperature: number(0, 2),
  seed: whole(0, 999999999),
  drawing: letters,
  mask: letters,
};

/**
 * The initial state for these models.
 *
 * @param {import("./types.js").ModelInfo[]} infos
 * @returns {State}
 */
export function initialState(infos) {
  const { projection, classes: names } = infos[0];
  const isPlane = ({ layer_dims: dims, drawable, condition }) => dims.join() === "2" && drawable && !condition;
  return {
    tour: null,
    show: isTour(infos) ? [0] : [], // the tour compares its models later
    embed: null,
    tool: "sliders",
    kind: projection.kind,
    dims: 2,
    turn: [0.6, 0.35],
    between: "plane",
    color: names ? "label" : "kl",
    hidden: [],
    point: isTour(infos) ? 61 : null,
    z: infos.map((info) => info.latents.map(() => 0)),
    label: firstLabel(conditionOf(infos)),
    density: false,
    backdrop: infos.every(isPlane), // where the map is the whole latent space
    ellipse: true,
    thumbnails: false,
    filters: {},
    query: "",
    region: null,
    camera: infos.map(() => null),
    a: null,
    b: null,
    path: "linear",
    steps: 9,
    t: 0,
    temperature: 1,
    seed: 0,
    drawing: "",
    mask: "",
  };
}

/** The values of a fragment that fit these models; a step of the tour stands for those of its own address. */
export function readAddress(fragment, infos) {
  const { tour, ...values } = readValues(fragment, infos);
  const step = isTour(infos) ? STEPS[tour - 1] : undefined;
  return step ? { point: null, ...readValues(step.address, infos), ...values, tour } : values;
}

function readValues(fragment, infos) {
  const values = {};
  for (const part of fragment.replace(/^#/, "").split("&")) {
    const [key, text] = part.split("=");
    const value = key in FIELDS && text !== undefined ? FIELDS[key].read(decode(text)) : undefined;
    if (value !== undefined && fits(key, value, infos)) values[key] = value;
  }
  return values;
}

/** The fragment of a state: the values that differ from the initial ones. */
export function writeAddress(state, initial) {
  const written = (key, from) => (from[key] === null ? "" : FIELDS[key].write(from[key]));
  return Object.keys(FIELDS)
    .filter((key) => state[key] !== null && written(key, state) !== written(key, initial))
    .map((key) => `${key}=${written(key, state)}`)
    .join("&");
}

/** Keep state and address in step, in both directions. */
export function followAddress(store, initial, infos) {
  let timer = 0;
  const write = () => history.replaceState(null, "", `#${writeAddress(store.get(), initial)}`);
  store.on(Object.keys(FIELDS), () => {
    clearTimeout(timer);
    timer = setTimeout(write, 200);
  });
  addEventListener("hashchange", () => store.set({ ...initial, ...readAddress(location.hash, infos) }));
  return () => (clearTimeout(timer), write(), location.href);
}

/** The condition of the first conditional model; null if all are unconditional. */
export const conditionOf = (infos) => infos.find(({ condition }) => condition)?.condition ?? null;

function firstLabel(condition) {
  if (!condition) return null;
  return condition.variable === "label" ? 0 : condition.mode;
}

function fits(key, value, infos) {
  const fitsLatents = (zs) =>
    zs.length === infos.length && zs.every((z, m) => z.length === infos[m].latents.length);
  if (key === "z") return fitsLatents(value);
  if (key === "a" || key === "b") return "index" in value ? value.index < infos[0].images : fitsLatents(value.z);
  if (key === "camera") return value.length === infos.length;
  if (key === "dims") return value === 2 || infos.every(({ projection }) => projection.spatial);
  if (key === "kind") return infos.every(({ projection }) => projection.kinds.includes(value));
  if (key === "region") return value.m < infos.length;
  if (key === "show") return value.every((m) => Number.isInteger(m) && m >= 0 && m < infos.length);
  if (key === "point") return value < infos[0].images;
  if (key === "label") return labelFits(value, conditionOf(infos));
  return true;
}

function labelFits(value, condition) {
  if (!condition) return false;
  const size = condition.names.length;
  return Array.isArray(value) ? value.length === size : condition.variable === "label" && value < size;
}

function numbers(text) {
  return every(text.split(",").map((one) => number(-1e6, 1e6).read(one)));
}

function every(values) {
  return values.includes(undefined) ? undefined : values;
}

function view(values) {
  return values?.length === 3 && values[2] > 0 ? { x: values[0], y: values[1], span: values[2] } : undefined;
}

function short(value) {
  return String(Math.round(value * 1000) / 1000);
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
