/**
 * Image files as gray levels of the model's size: shrunk and cropped in the browser, so that no file is too large.
 *
 * Pictures of ink on paper are the negative of data like MNIST. The edge of a picture tells: if its levels differ from
 * those at the edge of the data by more than half the range, the negative is offered.
 */
import { decodeFile } from "../../backend/site/observation.js";
import { el } from "../../dom.js";
import { fromBase64, toBase64 } from "../../image.js";
import { drawableImage } from "./image.js";

const MAX_SENT = 1.4e6; // bytes of a file that only Python can read; base64 of them is below the limit of the server

/** The levels C * H * W of a file. @param {import("../../types.js").App} app @param {File} file */
export async function levelsOf(app, file) {
  const { shape } = app.models[0].info;
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    return await decodeFile(bytes, shape);
  } catch (error) {
    if (file.size > MAX_SENT) throw new Error(`${file.name}: ${error.message}`);
    const { image } = await app.backend.encode(0, { file: toBase64(bytes), label: app.store.get().label });
    return levelsOfBitmap(await fromBase64(image), shape);
  }
}

/** The levels of a bitmap of the model's size. @param {ImageBitmap} bitmap */
export function levelsOfBitmap(bitmap, shape) {
  const [, height, width] = shape;
  const context = el("canvas", { width, height }).getContext("2d");
  context.drawImage(bitmap, 0, 0, width, height);
  const image = drawableImage(shape);
  image.read(context);
  return image.levels;
}

export const inverted = (levels) => levels.map((level) => 255 - level);

/** The mean level at the edge of an image. @param {Uint8Array} levels @param {[number, number, number]} shape */
export function edgeLevel(levels, [channels, height, width]) {
  const at = (c, row, column) => levels[(c * height + row) * width + column];
  let [sum, n] = [0, 0];
  for (let c = 0; c < channels; c++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        if (row % (height - 1) === 0 || column % (width - 1) === 0) [sum, n] = [sum + at(c, row, column), n + 1];
  return sum / n;
}
