/**
 * The points of the map, drawn by the processor pixel by pixel: for browsers without a GPU, where this is several times
 * faster than WebGL in software.
 *
 * A dot is a small disc of coverages, the same for all points. On a pixel of color c and coverage b, a dot of color s
 * and coverage a leaves c + a (s - c), and the larger coverage.
 */
import { scale, toScreen } from "./camera.js";

/** @param {HTMLCanvasElement} canvas @returns {import("./points.js").PointLayer} */
export function softwareLayer(canvas) {
  const context = canvas.getContext("2d");
  const data = { x: new Float32Array(0), y: new Float32Array(0), rgba: new Uint8Array(0) };
  let picture = context.createImageData(1, 1);
  return {
    setPoints: (x, y) => void Object.assign(data, { x, y }),
    setColors: (rgba) => void Object.assign(data, { rgba }),
    draw(camera, size, { diameter, opacity }) {
      const { width, height } = canvas;
      if (picture.width !== width || picture.height !== height)
        picture = context.createImageData(width, height);
      picture.data.fill(0);
      const ratio = width / size.width;
      const [left, top] = toScreen(camera, size, 0, 0);
      const view = { left: left * ratio, top: top * ratio, unit: scale(camera, size) * ratio };
      drawDots(picture, data, view, disc(diameter * ratio, opacity, width));
      context.putImageData(picture, 0, 0);
    },
  };
}

/** The pixels of a dot around its center: offsets in an image of a given width, and coverages 0 to 255. */
function disc(diameter, opacity, width) {
  const reach = Math.ceil(diameter / 2);
  const pixels = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const cover = Math.min(Math.max(0.5 + diameter / 2 - Math.hypot(dx, dy), 0), 1);
      if (cover > 0) pixels.push({ at: dy * width + dx, cover: Math.round(255 * cover * opacity) });
    }
  return {
    reach,
    at: Int32Array.from(pixels, ({ at }) => at),
    cover: Uint8Array.from(pixels, ({ cover }) => cover),
  };
}

function drawDots({ width, height, data }, { x, y, rgba }, { left, top, unit }, dot) {
  const { reach } = dot;
  for (let i = 0; i < x.length; i++) {
    const column = Math.round(left + unit * x[i]);
    const row = Math.round(top - unit * y[i]);
    if (!rgba[4 * i + 3] || column < reach || row < reach || column >= width - reach || row >= height - reach)
      continue;
    put(data, row * width + column, dot, rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]);
  }
}

function put(data, center, { at, cover }, red, green, blue) {
  for (let k = 0; k < at.length; k++) {
    const to = 4 * (center + at[k]);
    const a = cover[k];
    const below = data[to + 3];
    if (below) {
      data[to] += ((red - data[to]) * a) >> 8;
      data[to + 1] += ((green - data[to + 1]) * a) >> 8;
      data[to + 2] += ((blue - data[to + 2]) * a) >> 8;
      if (a > below) data[to + 3] = a;
    } else {
      data[to] = red;
      data[to + 1] = green;
      data[to + 2] = blue;
      data[to + 3] = a;
    }
  }
}
