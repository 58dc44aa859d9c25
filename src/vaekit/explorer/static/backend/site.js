/**
 * The backend without a server: the same calls as `server.js`, answered from files that lie beside the page,
 * or in it, and by graphs that run in the browser.
 */
import { BackendError, points } from "./server.js";
import { film } from "./site/gif.js";
import { fillings } from "./site/imputation.js";
import { observed, unpacked } from "./site/observation.js";
import { normals } from "./site/noise.js";
import { painter } from "./site/renderer.js";
import { ellipseOf, liftedBy, placedBy } from "./site/projection.js";
import { bytes, json, picture } from "./site/files.js";
import { runner } from "./site/onnx.js";
import { among, bound, likelyLabels } from "./site/elbo_terms.js";
import { way } from "./site/interpolation.js";

const BACKDROP = 64; // codes decoded at once

export async function siteBackend() {
  const { models, version } = await json("models.json");
  const all = await Promise.all(models.map(one));
  const of = (m) => all[m] ?? refuse(`there is no model ${m}`);
  const calls = Object.entries(answers).map(([name, answer]) => [name, async (m, ...rest) => answer(of(m), ...rest)]);
  return { ...Object.fromEntries(calls), models: async () => ({ models, version }) };
}

/** What is needed to answer for a model. */
async function one(info, m) {
  const kept = await json(`${m}/points.json`);
  const d = info.latents.length;
  const maps = Object.fromEntries(Object.entries(kept.maps).map(([kind, said]) => [kind, points(said)]));
  const tools = { run: runner(m), paint: painter(info), images: picture(`${m}/images.png`), floats: (name) => new Float32Array(bytes(kept[name]).buffer) };
  return { m, info, kept, d, maps, ...tools, mean: tools.floats("mean"), stddev: tools.floats("stddev"), threshold: kept.threshold && bytes(kept.threshold) };
}

const answers = {
  map: (on, kind) => on.maps[kind] ?? refuse(`there is no map ${kind}`),
  values: (on) => on.maps[on.info.projection.kind],
  density: (on, kind) => on.kept.density[kind],
  image: async (on, i) => on.paint.tile(await on.images, i, on.kept.columns),
  point: (on, i, kind) => ({ i, label: on.maps[kind].label?.[i] ?? null, numbers: numbersOf(on, i), ...placed(on, codeOf(on, i), sdOf(on, i), kind) }),
  lift: (on, kind, x, y, base) => liftedBy(on.maps[kind].linear, [x, y], base),
  decode: async (on, z, label) => on.paint.row(await decoded(on, z, label)),
  backdrop,
  draw,
  interpolate: (on, { a, b, steps, path }) => way(endOf(on, a), endOf(on, b), steps, path),
  strip: async (on, { z, label, form, fps }) => {
    const images = await decoded(on, z, label);
    return form === "gif" ? film(on.paint.frames(images), fps) : on.paint.blob(images);
  },
  encode,
  impute: async (on, { pixels, mask, label, n = 6, seed = 0 }) => {
    const x = levelsOf(on, bytes(pixels));
    return on.paint.row(await fillings(on, x, seenOf(on, mask), vector(on, label), n, seed));
  },
  classes: async (on, z) => {
    const all = on.info.condition.values.map((_, k) => k);
    return on.paint.row(await many(on, all.map(() => z), all.map((k) => vector(on, k))));
  },
  pseudo: async (on, start, n) => {
    const columns = on.kept.pseudo_columns;
    return { picture: await on.paint.some(await picture(`${on.m}/pseudo.png`), start, Math.min(n, on.info.pseudo_inputs - start), columns), columns };
  },
};

// ----------------------------------------------------------------------------------------- codes to images

const codeOf = (on, i) => [...on.mean.subarray(i * on.d, (i + 1) * on.d)];
const sdOf = (on, i) => [...on.stddev.subarray(i * on.d, (i + 1) * on.d)];
const endOf = (on, end) => end.z ?? codeOf(on, end.i);

/** A label as the graphs are given it: a vector; null where the model is told none. */
function vector(on, label) {
  const { condition } = on.info;
  if (!condition) return null;
  if (label === null || label === undefined) return condition.start;
  return Array.isArray(label) ? label : condition.values.map((_, k) => (k === label ? 1 : 0));
}

const decoded = (on, z, label) => many(on, z, z.map(() => vector(on, label)));

async function many(on, z, y) {
  const { image } = await on.run("decode", { z: [z.flat(), [z.length, on.d]], y: y[0] && [y.flat(), [y.length, y[0].length]] });
  return image;
}

async function backdrop(on, { kind, x, y, side, n = 20, label = null }) {
  const step = side / n;
  const codes = [];
  for (let row = 0; row < n; row++)
    for (let column = 0; column < n; column++)
      codes.push(liftedBy(on.maps[kind].linear, [x - side / 2 + (column + 0.5) * step, y + side / 2 - (row + 0.5) * step], null));
  const parts = [];
  for (let at = 0; at < codes.length; at += BACKDROP) parts.push(await decoded(on, codes.slice(at, at + BACKDROP), label));
  return on.paint.row(Float32Array.from(parts.flatMap((part) => [...part])), n);
}

/** A code from the prior, or z with the levels below one drawn anew. */
async function draw(on, { temperature = 1, label = null, seed = 0, component = null, level = null, z = null }) {
  const { next, uniform } = normals(seed);
  const levels = on.info.levels.length;
  const y = vector(on, label);
  const given = {
    z: [z ?? new Array(on.d).fill(0), [1, on.d]],
    noise: [Array.from({ length: on.d }, () => temperature * next()), [1, on.d]],
    keep: [Array.from({ length: levels }, (_, l) => (z && l <= level ? 1 : 0)), [levels]],
    component: [[component ?? among(weightsOf(on, label), uniform())], []],
    y: y && [y, [1, y.length]],
  };
  return { z: [...(await on.run("prior", given)).drawn] };
}

function weightsOf(on, label) {
  const { weights } = on.kept;
  return weights ? weights[weights.length > 1 && Number.isInteger(label) ? label : 0] : [1];
}

// ------------------------------------------------------------------------------------------- from outside

async function encode(on, { pixels, file, mask, label = null, kind }) {
  const x = levelsOf(on, file ? await unpacked(bytes(file), on.info.shape) : bytes(pixels));
  const seen = seenOf(on, mask);
  const shown = x.map((value, at) => value * seen[at % seen.length]);
  const y = vector(on, label);
  const given = { x: [shown, [1, ...on.info.shape]], y: y && [y, [1, y.length]] };
  const { mean, stddev } = await on.run("encode", given);
  const terms = await bound(on, shown, seen, y);
  const probabilities = on.info.condition?.on === "label" ? await likelyLabels(on, shown, seen) : null;
  return {
    ...placed(on, [...mean], [...stddev], kind ?? on.info.projection.kind),
    terms,
    label: probabilities,
    image: await on.paint.base64(shown),
    reconstruction: await on.paint.base64(await many(on, [[...mean]], [y])),
  };
}

const levelsOf = (on, levels) =>
  levels.length === on.info.shape.reduce((a, b) => a * b) ? observed(levels, on.threshold) : refuse("pixels: an image of another size");

/** 1 where a pixel is seen, for one channel. */
function seenOf(on, mask) {
  const [, height, width] = on.info.shape;
  return mask ? Float32Array.from(bytes(mask), (byte) => (byte ? 1 : 0)) : new Float32Array(height * width).fill(1);
}

// ------------------------------------------------------------------------------------------------ the map

function placed(on, z, sd, kind) {
  const { linear } = on.maps[kind];
  const xy = placedBy(linear, z);
  return { z, sd, xy, ellipse: sd.some((s) => s > 0) ? ellipseOf(linear, xy, sd) : null };
}

function numbersOf(on, i) {
  const { reconstruction, rate, log_likelihood: likelihood } = on.maps[on.info.projection.kind];
  const given = rate ? rate[i] : null;
  return { reconstruction: reconstruction[i], rate: given, elbo: given === null ? null : reconstruction[i] - given, log_likelihood: likelihood?.[i] ?? null };
}

function refuse(reason) {
  throw new BackendError("refused", reason);
}
