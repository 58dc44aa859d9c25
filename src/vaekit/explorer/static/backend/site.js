/**
 * The backend without a server: the calls of `server.js`, answered from files beside the page, or embedded in it,
 * and by ONNX graphs that run in the browser.
 */
import { BackendError, points } from "./server.js";
import { computation } from "./site/computation.js";
import { bound, labelPosterior, sampleIndex } from "./site/elbo_terms.js";
import { bytes, json, picture } from "./site/files.js";
import { gif } from "./site/gif.js";
import { impute, observedPosterior } from "./site/imputation.js";
import { interpolate } from "./site/interpolation.js";
import { normals } from "./site/noise.js";
import { decodeFile, imageNumbers, observe } from "./site/observation.js";
import { createRunner } from "./site/onnx.js";
import { nearest, sourcesAt } from "./site/neighbors.js";
import { ellipse, project, unproject } from "./site/projection.js";
import { createRenderer } from "./site/renderer.js";
import { exported, summary } from "./site/selection.js";

const BACKDROP_BATCH = 64; // latent vectors decoded at once

/** @returns {Promise<import("./contract.js").Backend>} */
export async function siteBackend() {
  const { models, version } = await json("models.json");
  const sites = await Promise.all(models.map(createSite));
  const siteOf = (m) => sites[m] ?? refuse(`model: expected an index below ${sites.length}, got ${m}`);
  const calls = Object.entries(views).map(([name, view]) => [name, async (m, ...rest) => view(siteOf(m), ...rest)]);
  return { ...Object.fromEntries(calls), models: async () => ({ models, version }) };
}

/** The data and tools that answer for one model. */
async function createSite(info, m) {
  const data = await json(`${m}/points.json`);
  const d = info.latents.length;
  const maps = Object.fromEntries(Object.entries(data.maps).map(([kind, map]) => [kind, points(map)]));
  const space = data.space && points(data.space);
  const floats = (name) => new Float32Array(bytes(data[name]).buffer);
  return {
    m,
    info,
    data,
    d,
    maps,
    space,
    run: createRunner(m),
    renderer: createRenderer(info),
    images: picture(`${m}/images.png`),
    mean: floats("mean"),
    stddev: floats("stddev"),
    threshold: data.threshold && bytes(data.threshold),
  };
}

const views = {
  map: mapOf,
  values(site) {
    const { log_likelihood, error } = site.maps[site.info.projection.kind];
    return { log_likelihood, error };
  },
  waiting: () => ({ waiting: null }),
  density: (site, kind) => site.data.density[kind],
  image: async (site, index) => site.renderer.tile(await site.images, index, site.data.columns),
  thumbnails: async (site, indices) => {
    const columns = Math.ceil(Math.sqrt(indices.length));
    return { picture: await site.renderer.chosen(await site.images, indices, site.data.columns, columns), columns };
  },
  point: (site, index, kind, dims = 2) => ({
    index,
    label: mapOf(site, kind).label?.[index] ?? null,
    terms: termsOf(site, index),
    ...describePosterior(site, meanOf(site, index), stddevOf(site, index), mapOf(site, kind, dims)),
  }),
  neighbors: (site, z, kind, dims, n, label = null) => ({
    ...nearest(site.mean, site.d, z, n, ofClass(site, label)),
    xy: project(mapOf(site, kind, dims).linear, z),
  }),
  unproject: (site, kind, x, y, base, between = "plane") => latentAt(site, { kind, x, y, base, between }).z,
  decodeAt: async (site, place, label) => {
    const { z, sources } = latentAt(site, place);
    return Object.assign(await site.renderer.row(await decode(site, [z], label)), { z, sources });
  },
  decode: async (site, z, label) => site.renderer.row(await decode(site, z, label)),
  backdrop,
  sample,
  interpolate: (site, { a, b, steps, path }) => interpolate(endpoint(site, a), endpoint(site, b), steps, path),
  strip: async (site, { z, label, format, fps }) => {
    const images = await decode(site, z, label);
    return format === "gif" ? gif(site.renderer.frames(images), fps) : site.renderer.blob(images);
  },
  computation: async (site, { index, noise }) => {
    const x = imageNumbers(await site.renderer.tile(await site.images, index, site.data.columns), site.info.shape);
    const label = site.maps[site.info.projection.kind].label?.[index] ?? null;
    return computation(site, x, observedMask(site, null), labelVector(site, label), noise);
  },
  encode,
  impute: async (site, { pixels, mask, label, n = 6, seed = 0 }) => {
    const x = observedImage(site, bytes(pixels));
    const found = await impute(site, x, observedMask(site, mask), labelVector(site, label), n, seed);
    return { picture: await site.renderer.row(found.images), ess: found.ess, samples: found.samples };
  },
  classes: async (site, z) => {
    const all = site.info.condition.names.map((_, k) => k);
    return site.renderer.row(await decodeWith(site, all.map(() => z), all.map((k) => labelVector(site, k))));
  },
  pseudoInputs: async (site, start, n) => {
    const columns = site.data.pseudo_input_columns;
    const count = Math.min(n, site.info.pseudo_inputs - start);
    const all = await picture(`${site.m}/pseudo_inputs.png`);
    return { picture: await site.renderer.some(all, start, count, columns), columns };
  },
  summary,
  exported,
};

// --------------------------------------------------------------------------------------- latents to images

const meanOf = (site, index) => [...site.mean.subarray(index * site.d, (index + 1) * site.d)];
const stddevOf = (site, index) => [...site.stddev.subarray(index * site.d, (index + 1) * site.d)];
const endpoint = (site, end) => end.z ?? meanOf(site, end.index);

/** A label as the vector that the graphs take; null for an unconditional model. */
function labelVector(site, label) {
  const { condition } = site.info;
  if (!condition) return null;
  if (label === null || label === undefined) return condition.mode;
  return Array.isArray(label) ? label : condition.names.map((_, k) => (k === label ? 1 : 0));
}

const decode = (site, z, label) => decodeWith(site, z, z.map(() => labelVector(site, label)));

async function decodeWith(site, z, y) {
  const labels = y[0] && [y.flat(), [y.length, y[0].length]];
  const { image } = await site.run("decode", { z: [z.flat(), [z.length, site.d]], y: labels });
  return image;
}

async function backdrop(site, { kind, x, y, side, n = 20, label = null, between = "plane" }) {
  const step = side / n;
  const z = [];
  for (let row = 0; row < n; row++)
    for (let column = 0; column < n; column++) {
      const [left, up] = [x - side / 2 + (column + 0.5) * step, y + side / 2 - (row + 0.5) * step];
      z.push(latentAt(site, { kind, x: left, y: up, base: null, between }).z);
    }
  const batches = [];
  for (let at = 0; at < z.length; at += BACKDROP_BATCH)
    batches.push(await decode(site, z.slice(at, at + BACKDROP_BATCH), label));
  return site.renderer.row(Float32Array.from(batches.flatMap((batch) => [...batch])), n);
}

/** A sample from the prior, or z with the layers below one resampled. */
async function sample(site, { temperature = 1, label = null, seed = 0, component = null, layer = null, z = null }) {
  const { next, uniform } = normals(seed);
  const layers = site.info.layer_dims.length;
  const y = labelVector(site, label);
  const inputs = {
    z: [z ?? new Array(site.d).fill(0), [1, site.d]],
    noise: [Array.from({ length: site.d }, () => temperature * next()), [1, site.d]],
    keep: [Array.from({ length: layers }, (_, l) => (z && l <= layer ? 1 : 0)), [layers]],
    component: [[component ?? sampleIndex(componentWeights(site, label), uniform())], []],
    y: y && [y, [1, y.length]],
  };
  return { z: [...(await site.run("prior", inputs)).sample] };
}

function componentWeights(site, label) {
  const { weights } = site.data;
  return weights ? weights[weights.length > 1 && Number.isInteger(label) ? label : 0] : [1];
}

// ------------------------------------------------------------------------------------------------- uploads

async function encode(site, { pixels, file, mask, label = null, kind, dims = 2 }) {
  const x = observedImage(site, file ? await decodeFile(bytes(file), site.info.shape) : bytes(pixels));
  const observed = observedMask(site, mask);
  const visible = x.map((value, at) => value * observed[at % observed.length]);
  const y = labelVector(site, label);
  const inputs = { x: [visible, [1, ...site.info.shape]], y: y && [y, [1, y.length]] };
  const masked = observed.some((byte) => !byte);
  const found = masked
    ? await observedPosterior(site, visible, observed, y)
    : { ...(await site.run("encode", inputs)), terms: await bound(site, visible, observed, y) };
  const [mean, stddev] = [[...found.mean], [...found.stddev]];
  const isLabel = site.info.condition?.variable === "label";
  const shown = mapOf(site, kind ?? site.info.projection.kind, dims);
  return {
    ...describePosterior(site, mean, stddev, shown),
    masked,
    terms: found.terms,
    label_probabilities: isLabel ? await labelPosterior(site, visible, observed) : null,
    image: await site.renderer.base64(visible),
    reconstruction: await site.renderer.base64(found.image ?? (await decodeWith(site, [mean], [y]))),
  };
}

const observedImage = (site, levels) =>
  levels.length === site.info.shape.reduce((a, b) => a * b)
    ? observe(levels, site.threshold)
    : refuse("pixels: expected an image of the size of the model's");

/** 1 where a pixel is observed, for one channel. */
function observedMask(site, mask) {
  const [, height, width] = site.info.shape;
  return mask ? Float32Array.from(bytes(mask), (byte) => (byte ? 1 : 0)) : new Float32Array(height * width).fill(1);
}

// ------------------------------------------------------------------------------------------------- the map

/** Whether an image has the class that the model is conditioned on; any image will do if none has. */
function ofClass(site, label) {
  const { label: labels } = mapOf(site, site.info.projection.kind);
  const isClass = site.info.condition?.variable === "label" && labels?.includes(label);
  return isClass ? (i) => labels[i] === label : () => true;
}

/** The points of a map, in the plane or in space. */
function mapOf(site, kind, dims = 2) {
  const found = dims === 3 ? site.space : site.maps[kind];
  return found ?? refuse(`map: expected ${Object.keys(site.maps).join(" or ")}, got ${kind} in ${dims} dims`);
}

/** The latent vector at a point, and the images whose latents are averaged there, with their weights. */
function latentAt(site, { kind, x, y, base, between }) {
  const map = mapOf(site, kind);
  if (between === "plane") return { z: unproject(map.linear, [x, y], base), sources: null };
  const sources = sourcesAt(map, x, y);
  const z = Array.from({ length: site.d }, (_, j) => sources.reduce((sum, [i, w]) => sum + w * site.mean[i * site.d + j], 0));
  return { z, sources };
}

function describePosterior(site, z, std, { linear, dims }) {
  const xy = project(linear, z);
  return { z, std, xy, ellipse: dims === 2 && std.some((s) => s > 0) ? ellipse(linear, xy, std) : null };
}

function termsOf(site, index) {
  const { reconstruction, kl, log_likelihood: likelihood } = site.maps[site.info.projection.kind];
  const value = kl ? kl[index] : null;
  return {
    reconstruction: reconstruction[index],
    kl: value,
    elbo: value === null ? null : reconstruction[index] - value,
    log_likelihood: likelihood?.[index] ?? null,
  };
}

function refuse(reason) {
  throw new BackendError("refused", reason);
}
