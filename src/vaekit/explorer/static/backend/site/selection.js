/** Selected images without a server: mean and spread of their latents, and files. */
import { bytes } from "./files.js";
import { zip } from "./zip.js";

/** The indices that a mask selects: bits, the first in the lowest bit of the first byte. @param {string} mask */
function chosenOf(mask, n) {
  const bits = bytes(mask);
  return Array.from({ length: n }, (_, i) => i).filter((i) => (bits[i >> 3] >> (i & 7)) & 1);
}

export async function summary(site, mask) {
  const chosen = chosenOf(mask, site.info.images);
  const { d } = site;
  const column = (values, j) => chosen.map((i) => values[i * d + j]);
  const average = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const mean = [];
  const std = [];
  const within = [];
  for (let j = 0; j < d; j++) {
    const means = column(site.mean, j);
    mean.push(average(means));
    std.push(Math.sqrt(average(means.map((value) => (value - mean[j]) ** 2))));
    within.push(average(column(site.stddev, j)));
  }
  return { n: chosen.length, mean, std, within, image: await site.renderer.base64(await meanImage(site, chosen)) };
}

/** The pixels of the chosen images, C * H * W numbers in [0, 1] each. */
async function pixelsOf(site, chosen) {
  const [channels, height, width] = site.info.shape;
  const area = height * width;
  const sheet = await site.images;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
  return chosen.map((i) => {
    const from = [(i % site.data.columns) * width, Math.floor(i / site.data.columns) * height];
    context.drawImage(sheet, ...from, width, height, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    return Float32Array.from({ length: channels * area }, (_, at) => data[4 * (at % area) + Math.floor(at / area)] / 255);
  });
}

async function meanImage(site, chosen) {
  const images = await pixelsOf(site, chosen);
  return images[0].map((_, at) => images.reduce((sum, image) => sum + image[at], 0) / images.length);
}

/** A file of the chosen images: their numbers and latents, and in NPZ their pixels. */
export async function exported(site, mask, format) {
  const chosen = chosenOf(mask, site.info.images);
  const table = columnsOf(site, chosen);
  if (format === "csv") return new Blob([csv(table)], { type: "text/csv" });
  const { d } = site;
  const rows = (values) => Float32Array.from(chosen.flatMap((i) => [...values.subarray(i * d, (i + 1) * d)]));
  const images = await pixelsOf(site, chosen);
  const arrays = {
    ...Object.fromEntries(table.numbers.map(([name, values]) => [name, npy(Float32Array.from(values), [chosen.length])])),
    z: npy(rows(site.mean), [chosen.length, d]),
    std: npy(rows(site.stddev), [chosen.length, d]),
    images: npy(Float32Array.from(images.flatMap((image) => [...image])), [chosen.length, ...site.info.shape]),
  };
  return zip(Object.fromEntries(Object.entries(arrays).map(([name, content]) => [`${name}.npy`, content])));
}

function columnsOf(site, chosen) {
  const map = site.maps[site.info.projection.kind];
  const { classes } = site.info;
  const known = [
    ["label", map.label],
    ["log_px_z", map.reconstruction],
    ["kl", map.kl],
    ["log_px", map.log_likelihood],
    ["error", map.error],
    ...Object.entries(map.attributes),
  ];
  const numbers = [
    ["index", chosen],
    ...known.filter(([, values]) => values).map(([name, values]) => [name, chosen.map((i) => values[i])]),
  ];
  const latents = [
    [site.mean, "z"],
    [site.stddev, "std"],
  ].flatMap(([values, name]) =>
    Array.from({ length: site.d }, (_, j) => [`${name}${j}`, chosen.map((i) => values[i * site.d + j])]),
  );
  const words = classes && map.label ? [["class", chosen.map((i) => classes[map.label[i]] ?? "")]] : [];
  return { numbers, latents, words };
}

function csv({ numbers, latents, words }) {
  const columns = [...numbers, ...words, ...latents];
  const cell = (value) => (typeof value === "number" ? (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "") : quoted(value));
  const lines = columns[0][1].map((_, row) => columns.map(([, values]) => cell(values[row])).join(","));
  return [columns.map(([name]) => quoted(name)).join(","), ...lines].join("\n") + "\n";
}

const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** An array as a file of NumPy. @param {Float32Array} values @param {number[]} shape */
function npy(values, shape) {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  const padded = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11) + "\n";
  const head = new Uint8Array([0x93, ...[..."NUMPY"].map((letter) => letter.charCodeAt(0)), 1, 0, padded.length & 255, padded.length >> 8]);
  const content = new Uint8Array(head.length + padded.length + values.byteLength);
  content.set(head);
  content.set(new TextEncoder().encode(padded), head.length);
  content.set(new Uint8Array(values.buffer), head.length + padded.length);
  return content;
}
