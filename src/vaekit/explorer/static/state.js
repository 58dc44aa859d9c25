/**
 * The state of the page and the fragment of its address say the same: #tool=interpolate&z=0.12,-1.5&t=0.4
 *
 * Only what differs from the beginning is written. What a link says is checked before it is believed: a
 * value that does not fit is left out, so no address can break the page.
 *
 * @typedef {import("./types.js").State} State
 */

const TOOLS = ["sliders", "interpolate", "draw", "classes", "pseudo"];
const COLORS = ["label", "reconstruction", "rate", "log_likelihood", "none"];

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
  write: (value) => ("i" in value ? `i${value.i}` : `z${vectors.write(value.z)}`),
  read(text) {
    const value = text.startsWith("i") ? whole(0, 1e9).read(text.slice(1)) : vectors.read(text.slice(1));
    if (value !== undefined) return text.startsWith("i") ? { i: value } : { z: value };
  },
};
const camera = {
  write: (value) => value.map((one) => (one ? vector.write([one.x, one.y, one.span]) : "")).join(";"),
  read: (text) => every(text.split(";").map((one) => (one ? view(numbers(one)) : null))),
};

const letters = { write: String, read: (text) => (/^[\w-]{0,6000}$/.test(text) ? text : undefined) };

/** How each key of the state is written and read. */
const FIELDS = {
  tool: one(TOOLS),
  kind: one(["codes", "pca", "umap"]),
  color: one(COLORS),
  hidden: classes,
  point: whole(0, 1e9),
  z: vectors,
  label,
  density: flag,
  backdrop: flag,
  ellipse: flag,
  camera,
  a: end,
  b: end,
  path: one(["linear", "spherical"]),
  steps: whole(3, 16),
  t: number(0, 1),
  temperature: number(0, 2),
  seed: whole(0, 999999999),
  drawn: letters,
  wiped: letters,
};

/**
 * The state that models begin with.
 *
 * @param {import("./types.js").ModelInfo[]} infos
 * @returns {State}
 */
export function initialState(infos) {
  const { projection, classes: names } = infos[0];
  return {
    tool: "sliders",
    kind: projection.kind,
    color: names ? "label" : "rate",
    hidden: [],
    point: null,
    z: infos.map((info) => info.latents.map(() => 0)),
    label: firstLabel(conditionOf(infos)),
    density: false,
    backdrop: false,
    ellipse: true,
    camera: infos.map(() => null),
    a: null,
    b: null,
    path: "linear",
    steps: 9,
    t: 0,
    temperature: 1,
    seed: 0,
    drawn: "",
    wiped: "",
  };
}

/** What a fragment says, as far as it fits these models. */
export function readAddress(fragment, infos) {
  const said = {};
  for (const part of fragment.replace(/^#/, "").split("&")) {
    const [key, text] = part.split("=");
    const value = key in FIELDS && text !== undefined ? FIELDS[key].read(decode(text)) : undefined;
    if (value !== undefined && fits(key, value, infos)) said[key] = value;
  }
  return said;
}

/** The fragment of a state: what differs from the beginning. */
export function writeAddress(state, initial) {
  const written = (key, from) => (from[key] === null ? "" : FIELDS[key].write(from[key]));
  return Object.keys(FIELDS)
    .filter((key) => state[key] !== null && written(key, state) !== written(key, initial))
    .map((key) => `${key}=${written(key, state)}`)
    .join("&");
}

/** Keep state and address the same, in both directions. */
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

/** What the models are given: that of the first one that is given anything; null where none is. */
export const conditionOf = (infos) => infos.find(({ condition }) => condition)?.condition ?? null;

function firstLabel(condition) {
  if (!condition) return null;
  return condition.on === "label" ? 0 : condition.start;
}

function fits(key, value, infos) {
  const codes = (zs) =>
    zs.length === infos.length && zs.every((z, m) => z.length === infos[m].latents.length);
  if (key === "z") return codes(value);
  if (key === "a" || key === "b") return "i" in value ? value.i < infos[0].images : codes(value.z);
  if (key === "camera") return value.length === infos.length;
  if (key === "point") return value < infos[0].images;
  if (key === "label") return labelFits(value, conditionOf(infos));
  return true;
}

function labelFits(value, condition) {
  if (!condition) return false;
  const size = condition.values.length;
  return Array.isArray(value) ? value.length === size : condition.on === "label" && value < size;
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
