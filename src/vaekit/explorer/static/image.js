/** Images on canvases: one tile of a row at a time, enlarged without blur. */
import { el } from "./dom.js";

/** A canvas that shows one tile; `name` is its label for screen readers. */
export function imageCanvas(name, attributes = {}) {
  return el("canvas", {
    class: "picture",
    width: 1,
    height: 1,
    role: "img",
    "aria-label": name,
    ...attributes,
  });
}

/** Show tile k of n of a row. @param {HTMLCanvasElement} canvas @param {ImageBitmap} row */
export function show(canvas, row, k = 0, n = 1) {
  const width = row.width / n;
  if (canvas.width !== width || canvas.height !== row.height)
    Object.assign(canvas, { width, height: row.height });
  canvas.getContext("2d").drawImage(row, k * width, 0, width, row.height, 0, 0, width, row.height);
  canvas.classList.add("shown");
}

/** Clear the canvas. */
export function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  canvas.classList.remove("shown");
}

/** An image file in base64 as a bitmap. */
export async function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes]));
}

/** Bytes as base64. @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
