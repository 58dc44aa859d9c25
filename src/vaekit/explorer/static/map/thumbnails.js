/** Images of the data at their points: loaded in batches, kept for a while, and drawn where there is room. */
import { scale, toScreen, visibleBounds } from "./camera.js";

const KEPT = 4000; // thumbnails
const BATCH = 256;
const REST = 60; // milliseconds that the map rests before missing thumbnails are asked for
const SIDE = 34; // pixels of a thumbnail, and of the space between two
const COLUMNS = 2 ** 26; // more than the cells across a map at any zoom
const MOST = 6000; // points in view above which they are drawn as dots

/** The thumbnails of a model. @param {import("../types.js").App} app @param {number} m @param {() => void} loaded */
export function thumbnailCache(app, m, loaded) {
  const known = new Map();
  const asked = new Set();
  let wanted = [];
  let timer = 0;

  async function load(indices) {
    const { picture, columns } = await app.backend.thumbnails(m, indices);
    const rows = Math.ceil(indices.length / columns);
    const [width, height] = [picture.width / columns, picture.height / rows];
    indices.forEach((i, k) => {
      known.set(i, { picture, left: (k % columns) * width, top: Math.floor(k / columns) * height, width, height });
      asked.delete(i);
    });
    for (const i of known.keys()) if (known.size > KEPT) known.delete(i);
  }

  async function loadWanted() {
    const indices = wanted.filter((i) => !known.has(i) && !asked.has(i)).slice(0, BATCH);
    if (!indices.length) return;
    indices.forEach((i) => asked.add(i));
    await load(indices).catch((error) => (indices.forEach((i) => asked.delete(i)), app.showError(error)));
    loaded();
  }

  return {
    get: (i) => known.get(i),
    /** Ask for those that are missing once no other call comes for a moment. */
    want(indices) {
      wanted = indices;
      clearTimeout(timer);
      timer = setTimeout(loadWanted, REST);
    },
    /** The thumbnail of one image, as soon as it is there. */
    async one(i) {
      if (!known.has(i)) await load([i]);
      return known.get(i);
    },
  };
}

/** Draw a thumbnail into a box. */
export function drawThumbnail(context, { picture, left, top, width, height }, x, y, side) {
  const size = side / Math.max(width, height);
  const [w, h] = [width * size, height * size];
  context.drawImage(picture, left, top, width, height, x - w / 2, y - h / 2, w, h);
  return [w, h];
}

/**
 * The points in view that have room for a thumbnail: the first of each cell of a grid that is fixed on the plane, so that
 * the choice stays while the map moves. None if too many are in view.
 */
export function chooseThumbnails(model, camera, size, shown) {
  const [x0, x1, y0, y1] = visibleBounds(camera, size);
  const inside = model.grid?.inside(x0, x1, y0, y1, MOST, shown);
  if (!inside) return [];
  const cell = 2 ** Math.ceil(Math.log2(SIDE / scale(camera, size)));
  const { x, y } = model.points;
  const first = new Map();
  for (const i of inside) {
    const key = Math.floor(x[i] / cell) + COLUMNS * Math.floor(y[i] / cell);
    if (!first.has(key) || first.get(key) > i) first.set(key, i);
  }
  return [...first.values()];
}

/** Draw the chosen thumbnails that are loaded, each in a frame of the color of its point. */
export function drawThumbnails(context, camera, size, points, chosen, cache, colorOf) {
  context.imageSmoothingEnabled = true;
  for (const i of chosen) {
    const found = cache.get(i);
    if (!found) continue;
    const [px, py] = toScreen(camera, size, points.x[i], points.y[i]);
    context.fillStyle = colorOf(i);
    context.fillRect(px - SIDE / 2 + 1, py - SIDE / 2 + 1, SIDE - 2, SIDE - 2);
    drawThumbnail(context, found, px, py, SIDE - 5);
  }
}
