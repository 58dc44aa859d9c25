/** Numbers in [0, 1] as images: tiles side by side; a vector is drawn as a curve. */

const PAPER = "#f1f3f5";
const INK = "#0072b2";
const SMALLEST = 256; // pixels of a frame of an animation

/** @param {{shape: [number, number, number], tile_size: [number, number]}} info */
export function createRenderer({ shape, tile_size: [width, height] }) {
  const [channels, rows, columns] = shape;
  const size = channels * rows * columns;
  const isVector = channels === 1 && rows === 1;

  /** Images (n * C * H * W) on a canvas, `across` per row. */
  function canvasOf(images, across = images.length / size) {
    const n = images.length / size;
    const canvas = blank(across * width, Math.ceil(n / across) * height);
    const context = canvas.getContext("2d");
    for (let k = 0; k < n; k++) {
      const image = images.subarray(k * size, (k + 1) * size);
      (isVector ? curve : pixels)(context, image, (k % across) * width, Math.floor(k / across) * height);
    }
    return canvas;
  }

  function pixels(context, image, left, top) {
    const area = rows * columns;
    const picture = context.createImageData(columns, rows);
    for (let at = 0; at < area; at++) {
      for (let c = 0; c < 3; c++) picture.data[4 * at + c] = Math.round(255 * image[(channels === 1 ? 0 : c) * area + at]);
      picture.data[4 * at + 3] = 255;
    }
    context.putImageData(picture, left, top);
  }

  function curve(context, image, left, top) {
    context.fillStyle = PAPER;
    context.fillRect(left, top, width, height);
    Object.assign(context, { strokeStyle: INK, lineWidth: 3, lineJoin: "round" });
    context.beginPath();
    image.forEach((value, k) => context.lineTo(left + (0.04 + (0.92 * k) / Math.max(image.length - 1, 1)) * width, top + (0.92 - 0.84 * Math.min(Math.max(value, 0), 1)) * height));
    context.stroke();
  }

  /** Tile i of an image of tiles, `across` per row. */
  const tile = (tiles, i, across) => createImageBitmap(tiles, (i % across) * width, Math.floor(i / across) * height, width, height);

  /** n consecutive tiles as an image of their own. */
  function some(tiles, start, n, across) {
    const canvas = blank(Math.min(n, across) * width, Math.ceil(n / across) * height);
    const context = canvas.getContext("2d");
    for (let k = 0; k < n; k++) {
      const from = [((start + k) % across) * width, Math.floor((start + k) / across) * height];
      context.drawImage(tiles, ...from, width, height, (k % across) * width, Math.floor(k / across) * height, width, height);
    }
    return createImageBitmap(canvas);
  }

  /** The tiles at some indices of an image of tiles, `across` per row, in rows of `columns`. */
  function chosen(tiles, indices, across, columns) {
    const canvas = blank(columns * width, Math.ceil(indices.length / columns) * height);
    const context = canvas.getContext("2d");
    indices.forEach((i, k) => {
      const from = [(i % across) * width, Math.floor(i / across) * height];
      context.drawImage(tiles, ...from, width, height, (k % columns) * width, Math.floor(k / columns) * height, width, height);
    });
    return createImageBitmap(canvas);
  }

  /** Each image as the pixels of a frame; small images are enlarged. */
  function frames(images) {
    const scale = Math.max(1, Math.floor(SMALLEST / height));
    return Array.from({ length: images.length / size }, (_, k) => {
      const canvas = blank(width * scale, height * scale);
      const context = Object.assign(canvas.getContext("2d"), { imageSmoothingEnabled: false });
      context.drawImage(canvasOf(images.subarray(k * size, (k + 1) * size)), 0, 0, canvas.width, canvas.height);
      return context.getImageData(0, 0, canvas.width, canvas.height);
    });
  }

  return {
    tile,
    some,
    chosen,
    frames,
    row: (images, across) => createImageBitmap(canvasOf(images, across)),
    blob: (images) => new Promise((done) => canvasOf(images).toBlob(done, "image/png")),
    base64: async (images) => canvasOf(images).toDataURL("image/png").split(",")[1],
  };
}

const blank = (width, height) => Object.assign(document.createElement("canvas"), { width, height });
