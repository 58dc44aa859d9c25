/** What lies under the points: the decoded backdrop, or grid lines at round numbers; and the axis labels. */
import { scale, ticks, toScreen, visibleBounds } from "./camera.js";

const FAINTEST = 0.1; // opacity of the backdrop of a whole map, so that points are visible on it
const OPACITY = 0.65; // of the backdrop once the map is enlarged
const WHOLE = 1.3; // times that the map is enlarged when the backdrop begins to fade in
const CLOSE = 3; // and when it has faded in

/** How opaque the backdrop is at a magnification of the whole map. */
export function backdropOpacity(magnification) {
  const share = Math.log(Math.max(magnification, WHOLE) / WHOLE) / Math.log(CLOSE / WHOLE);
  return FAINTEST + (OPACITY - FAINTEST) * Math.min(share, 1);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("../types.js").Camera} camera
 * @param {{width: number, height: number}} size
 * @param {{ink: string, line: string, muted: string, font: string}} look
 * @param {{picture: ImageBitmap, square: {x: number, y: number, side: number}}|null} backdrop
 * @param {number} opacity  of the backdrop
 */
export function drawBackground(context, camera, size, look, backdrop, opacity) {
  context.clearRect(0, 0, size.width, size.height);
  if (backdrop) drawTiles(context, camera, size, backdrop, opacity);
  else drawGrid(context, camera, size, look);
}

/** The axis labels at the edges, on top of everything. */
export function drawAxes(context, camera, size, look, names) {
  const { across, up, x, y } = axisTicks(camera, size);
  context.font = look.font;
  context.textAlign = "center";
  for (const value of across.values)
    write(context, look, tick(value, across.digits), x(value), size.height - 8, size);
  context.textAlign = "left";
  for (const value of up.values) write(context, look, tick(value, up.digits), 8, y(value) + 4, size);
  context.textAlign = "right";
  write(context, { ...look, muted: look.ink }, names[0], size.width - 10, size.height - 24, null);
  context.textAlign = "left";
  write(context, { ...look, muted: look.ink }, names[1], 8, 18, null);
}

function drawTiles(context, camera, size, { picture, square: { x, y, side } }, opacity) {
  const [left, top] = toScreen(camera, size, x - side / 2, y + side / 2);
  const wide = side * scale(camera, size);
  context.imageSmoothingEnabled = wide < picture.width;
  context.globalAlpha = opacity;
  context.drawImage(picture, left, top, wide, wide);
  context.globalAlpha = 1;
}

function drawGrid(context, camera, size, look) {
  const { across, up, x, y } = axisTicks(camera, size);
  context.lineWidth = 1;
  for (const value of across.values) line(context, look, value, x(value), 0, x(value), size.height);
  for (const value of up.values) line(context, look, value, 0, y(value), size.width, y(value));
}

function line(context, look, value, x0, y0, x1, y1) {
  context.strokeStyle = Math.abs(value) < 1e-9 ? look.axis : look.line;
  context.beginPath();
  context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.stroke();
}

function axisTicks(camera, size) {
  const [x0, x1, y0, y1] = visibleBounds(camera, size);
  return {
    across: ticks(x0, x1, size.width / 110),
    up: ticks(y0, y1, size.height / 110),
    x: (value) => toScreen(camera, size, value, 0)[0],
    y: (value) => toScreen(camera, size, 0, value)[1],
  };
}

const tick = (value, digits) => (Math.abs(value) < 1e-9 ? "0" : value.toFixed(digits).replace("-", "−"));

function write(context, look, text, x, y, clip) {
  if (clip && ((x < 30 && context.textAlign === "center") || y < 34 || y > clip.height - 6)) return;
  context.lineWidth = 3;
  context.strokeStyle = look.paper;
  context.strokeText(text, x, y);
  context.fillStyle = look.muted;
  context.fillText(text, x, y);
}
