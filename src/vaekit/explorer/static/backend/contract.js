/**
 * What every backend answers: `server.js` by Python, `site.js` in the browser. A call takes the index of a model first.
 *
 * ANSWERS holds the shape of each answer, and `differences` says where an answer has another one; the tests ask both
 * backends the same and check both answers. A shape is the name of a type, [shape] for a list, {key: shape} for an
 * object, and a name with "?" may be null. "picture" is anything that a canvas can draw.
 *
 * @typedef {import("../types.js").Label} Label
 * @typedef {"latents"|"pca"|"umap"|"tsne"} Kind
 * @typedef {2|3} Dims
 * @typedef {"plane"|"neighbors"} Between  how a point of a map is decoded
 * @typedef {CanvasImageSource & {width: number, height: number}} Picture
 * @typedef {Picture & {z: number[], sources: [number, number][]|null}} DecodedPoint  sources: images and their weights
 *
 * @typedef {Object} Backend
 * @property {() => Promise<{models: import("../types.js").ModelInfo[], version: string}>} models
 * @property {(m: number, kind: Kind, dims: Dims) => Promise<import("../types.js").Points>} map
 * @property {(m: number) => Promise<{log_likelihood: Float32Array|null, error: Float32Array|null}>} values
 * @property {(m: number, kind: Kind, dims: Dims) => Promise<{waiting: Object|null}>} waiting
 * @property {(m: number, kind: Kind) => Promise<{coverage: number[], region: number[], paths: number[][][]}>} density
 * @property {(m: number, options: {kind: Kind, x: number, y: number, side: number, n: number, label?: Label, between?: Between}) => Promise<Picture>} backdrop
 * @property {(m: number, index: number) => Promise<Picture>} image
 * @property {(m: number, indices: number[]) => Promise<{picture: Picture, columns: number}>} thumbnails
 * @property {(m: number, index: number, kind: Kind, dims: Dims) => Promise<Object>} point
 * @property {(m: number, z: number[], kind: Kind, dims: Dims, n: number, label: Label) => Promise<{index: number[], distance: number[], xy: number[]}>} neighbors
 * @property {(m: number, z: number[][], label: Label, slot: string) => Promise<Picture>} decode  side by side
 * @property {(m: number, place: {kind: Kind, x: number, y: number, base: number[], between: Between}, label: Label, slot: string) => Promise<DecodedPoint>} decodeAt
 * @property {(m: number, kind: Kind, x: number, y: number, base: number[], between?: Between) => Promise<number[]>} unproject
 * @property {(m: number, options: Object) => Promise<{z: number[]}>} sample
 * @property {(m: number, options: Object) => Promise<number[][]>} interpolate
 * @property {(m: number, options: Object) => Promise<Blob>} strip
 * @property {(m: number, options: {pixels?: string, file?: string, mask?: string, label?: Label, kind: Kind, dims?: Dims}) => Promise<Object>} encode
 * @property {(m: number, options: Object) => Promise<import("../types.js").Imputations>} impute
 * @property {(m: number, z: number[]) => Promise<Picture>} classes
 * @property {(m: number, start: number, n: number) => Promise<{picture: Picture, columns: number}>} pseudoInputs
 * @property {(m: number, mask: string) => Promise<{n: number, mean: number[], std: number[], within: number[], image: string}>} summary
 * @property {(m: number, mask: string, format: "csv"|"npz") => Promise<Blob>} exported
 */

const ELLIPSE = { x: "number", y: "number", a: "number", b: "number", angle: "number" };
const POSTERIOR = { z: ["number"], std: ["number"], xy: ["number"], "ellipse?": ELLIPSE };
const TERMS = { reconstruction: "number", elbo: "number?", log_likelihood: "number?" };
const VALUES = { log_likelihood: "floats?", error: "floats?" };
const GALLERY = { picture: "picture", columns: "number" };

const WAITING = { kind: "text", dims: "number", seconds: "number", latents: "number" };

export const ANSWERS = {
  map: {
    n: "number",
    kind: "text",
    dims: "number",
    "waiting?": WAITING,
    fitted: "number?",
    axes: ["text"],
    "explained_variance_ratio?": ["number"],
    "linear?": { axes: [["number"]], origin: ["number"] },
    x: "floats",
    y: "floats",
    depth: "floats?",
    label: "integers?",
    reconstruction: "floats?",
    kl: "floats?",
    bounds: ["number"],
    ...VALUES,
  },
  values: VALUES,
  waiting: { "waiting?": WAITING },
  density: { coverage: ["number"], region: ["number"], paths: [[["number"]]] },
  backdrop: "picture",
  image: "picture",
  thumbnails: GALLERY,
  point: { index: "number", label: "number?", terms: { ...TERMS, kl: "number?" }, ...POSTERIOR },
  neighbors: { index: ["number"], distance: ["number"], xy: ["number"] },
  decode: "picture",
  decodeAt: "decoded point",
  unproject: ["number"],
  sample: { z: ["number"] },
  interpolate: [["number"]],
  strip: "blob",
  encode: {
    ...POSTERIOR,
    masked: "flag",
    terms: { ...TERMS, "kl?": ["number"] },
    "label_probabilities?": ["number"],
    image: "text",
    reconstruction: "text",
  },
  impute: { picture: "picture", ess: "number", samples: "number" },
  classes: "picture",
  pseudoInputs: GALLERY,
  summary: { n: "number", mean: ["number"], std: ["number"], within: ["number"], image: "text" },
  exported: "blob",
};

const isPicture = (value) => value instanceof ImageBitmap || value instanceof HTMLCanvasElement;
const TYPES = {
  number: (value) => typeof value === "number" && Number.isFinite(value),
  text: (value) => typeof value === "string",
  flag: (value) => typeof value === "boolean",
  floats: (value) => value instanceof Float32Array,
  integers: (value) => value instanceof Int16Array,
  blob: (value) => value instanceof Blob,
  picture: isPicture,
  "decoded point": (value) => isPicture(value) && Array.isArray(value.z) && value.sources !== undefined,
};

/** Where a value has another shape; an empty list if nowhere. @returns {string[]} */
export function differences(value, shape, at = "answer") {
  if (typeof shape === "string") {
    const optional = shape.endsWith("?");
    const fits = (optional && value === null) || TYPES[shape.replace("?", "")](value);
    return fits ? [] : [`${at}: expected ${shape}, got ${value}`];
  }
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return [`${at}: expected a list, got ${value}`];
    return value.flatMap((one, k) => differences(one, shape[0], `${at}[${k}]`)).slice(0, 3);
  }
  if (typeof value !== "object" || value === null) return [`${at}: expected an object, got ${value}`];
  return Object.entries(shape).flatMap(([key, part]) => {
    const name = key.replace("?", "");
    if (key !== name && value[name] === null) return [];
    return differences(value[name], part, `${at}.${name}`);
  });
}
