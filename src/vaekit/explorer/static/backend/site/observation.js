/** Uploaded images as the model sees them. */

/** Gray levels of 8 bits as numbers: 1 from the threshold of a pixel on, or level / 255 without thresholds. */
export function observe(levels, threshold) {
  return Float32Array.from(levels, threshold ? (level, at) => (level >= threshold[at] ? 1 : 0) : (level) => level / 255);
}

/** An image file as gray levels C * H * W, cropped to its center. @param {Uint8Array} content */
export async function decodeFile(content, [channels, height, width]) {
  const image = await createImageBitmap(new Blob([content])).catch(() => {
    throw new Error("file: not a readable image; expected PNG, JPEG, GIF, BMP or WebP");
  });
  const scale = Math.max(width / image.width, height / image.height);
  const [w, h] = [image.width * scale, image.height * scale];
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
  return channels === 1 ? gray(context.getImageData(0, 0, width, height).data) : planes(context.getImageData(0, 0, width, height).data);
}

/** The numbers in [0, 1] of an image of the page. @param {ImageBitmap} bitmap */
export function imageNumbers(bitmap, [channels, height, width]) {
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const levels = channels === 1 ? Uint8Array.from({ length: width * height }, (_, k) => data[4 * k]) : planes(data);
  return Float32Array.from(levels, (level) => level / 255);
}

const gray = (rgba) => Uint8Array.from({ length: rgba.length / 4 }, (_, k) => Math.round(0.299 * rgba[4 * k] + 0.587 * rgba[4 * k + 1] + 0.114 * rgba[4 * k + 2]));

function planes(rgba) {
  const area = rgba.length / 4;
  return Uint8Array.from({ length: 3 * area }, (_, k) => rgba[4 * (k % area) + Math.floor(k / area)]);
}
