/**
 * An endless GIF that plays forward and backward: 256 colors, the grays or a cube of 6 x 7 x 6 levels, with the
 * compression of Lempel, Ziv and Welch.
 */

const [REDS, GREENS, BLUES] = [6, 7, 6];
const BITS = 8;

/** @param {ImageData[]} frames of one size @param {number} fps @returns {Blob} */
export function gif(frames, fps) {
  const gray = frames.every(isGray);
  const { width, height } = frames[0];
  const order = [...frames, ...frames.slice(1, -1).reverse()];
  const delay = Math.max(2, Math.round(100 / fps));
  const parts = [header(width, height, gray ? grays() : cube())];
  for (const frame of order) parts.push(...picture(frame, gray ? grayAt : cubeAt, delay));
  return new Blob([...parts, Uint8Array.of(0x3b)], { type: "image/gif" });
}

const two = (number) => [number & 255, number >> 8];
const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));

function header(width, height, palette) {
  const loop = [0x21, 0xff, 11, ...letters("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  return Uint8Array.from([...letters("GIF89a"), ...two(width), ...two(height), 0xf7, 0, 0, ...palette, ...loop]);
}

function picture({ width, height, data }, indexAt, delay) {
  const control = [0x21, 0xf9, 4, 0, ...two(delay), 0, 0];
  const place = [0x2c, 0, 0, 0, 0, ...two(width), ...two(height), 0, BITS];
  const indices = Uint8Array.from({ length: width * height }, (_, k) => indexAt(data, 4 * k));
  return [Uint8Array.from([...control, ...place]), blocks(compressed(indices)), Uint8Array.of(0)];
}

/** At most 255 bytes at a time, each block after its length. */
function blocks(content) {
  const whole = new Uint8Array(content.length + Math.ceil(content.length / 255));
  for (let from = 0, to = 0; from < content.length; from += 255, to += 256) {
    const part = content.subarray(from, from + 255);
    whole[to] = part.length;
    whole.set(part, to + 1);
  }
  return whole;
}

function compressed(indices) {
  const [clear, end] = [1 << BITS, (1 << BITS) + 1];
  const bytes = [];
  let [buffer, filled] = [0, 0];
  let [table, size, width] = [new Map(), end + 1, BITS + 1];
  function put(code) {
    buffer |= code << filled;
    for (filled += width; filled >= 8; filled -= 8, buffer >>>= 8) bytes.push(buffer & 255);
  }
  put(clear);
  let prefix = indices[0];
  for (let k = 1; k < indices.length; k++) {
    const key = (prefix << BITS) | indices[k];
    const known = table.get(key);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    put(prefix);
    table.set(key, size);
    if (size === 1 << width) width++;
    if (++size === 4096) {
      put(clear);
      [table, size, width] = [new Map(), end + 1, BITS + 1];
    }
    prefix = indices[k];
  }
  put(prefix);
  put(end);
  if (filled) bytes.push(buffer & 255);
  return Uint8Array.from(bytes);
}

const grays = () => Array.from({ length: 256 }, (_, k) => [k, k, k]).flat();
const grayAt = (data, at) => data[at];
const isGray = ({ data }) => {
  for (let at = 0; at < data.length; at += 4) if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return false;
  return true;
};

const level = (value, count) => Math.round((value / 255) * (count - 1));
const shade = (index, count) => Math.round((index / (count - 1)) * 255);
const cubeAt = (data, at) => (level(data[at], REDS) * GREENS + level(data[at + 1], GREENS)) * BLUES + level(data[at + 2], BLUES);
const cube = () =>
  Array.from({ length: 256 }, (_, k) => {
    const [red, green, blue] = [Math.floor(k / (GREENS * BLUES)) % REDS, Math.floor(k / BLUES) % GREENS, k % BLUES];
    return [shade(red, REDS), shade(green, GREENS), shade(blue, BLUES)];
  }).flat();
