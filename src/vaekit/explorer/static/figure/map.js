/** The maps of the shown models on a recorder, side by side, each over its legend. */
import { formatNumber } from "../dom.js";
import { classColor, colorScale, range } from "../map/colors.js";
import { MEASURES } from "../map/legend.js";
import { isShown } from "../model_panel.js";

const GAP = 12; // pixels between maps
const LINE = 15; // pixels of a line of text
const TEXT = "10px sans-serif";

/** @param {import("../types.js").App} app @param {Object[]} maps @returns {number} the height that was drawn */
export function drawMaps(context, app, maps, width, ink) {
  const shown = app.models.filter(({ m }) => isShown(app, m));
  const side = (width - GAP * (shown.length - 1)) / shown.length;
  const heights = shown.map((model, k) => {
    const left = k * (side + GAP);
    const title = shown.length > 1 ? write(context, model.name, left, side, ink) : 0;
    const { size } = maps[model.m];
    const height = side * Math.min(Math.max(size.height / size.width, 0.6), 1);
    context.clip(left, title, side, height);
    context.origin(left, title);
    maps[model.m].drawOn(context, { width: side, height });
    context.origin(0, 0);
    context.unclip();
    frame(context, left, title, side, height, ink);
    return title + height + legend(context, app, model, [left, title + height], side, ink);
  });
  return Math.max(...heights);
}

function write(context, text, left, width, ink) {
  Object.assign(context, { font: `600 ${TEXT}`, textAlign: "left", fillStyle: ink, globalAlpha: 1 });
  const most = Math.floor(width / 5);
  context.fillText(text.length > most ? `${text.slice(0, most - 1)}…` : text, left, 10);
  return LINE;
}

function frame(context, x, y, width, height, ink) {
  Object.assign(context, { strokeStyle: ink, lineWidth: 0.5, globalAlpha: 1 });
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x, y);
  for (const [right, down] of [[width, 0], [width, height], [0, height], [0, 0]]) context.lineTo(x + right, y + down);
  context.stroke();
}

/** The legend under a map; returns its height. */
function legend(context, app, { info, points }, [left, top], width, ink) {
  const { color, hidden } = app.store.get();
  Object.assign(context, { font: TEXT, globalAlpha: 1, textAlign: "left" });
  if (color === "label" && info.classes) return classes(context, info.classes, hidden, [left, top], width, ink);
  const values = points?.[color];
  return values instanceof Float32Array ? scale(context, values, MEASURES[color] ?? color, [left, top], width, ink) : 0;
}

function classes(context, names, hidden, [left, top], width, ink) {
  let [x, y] = [left, top + LINE];
  names.forEach((name, k) => {
    if (hidden.includes(k)) return;
    const wide = 18 + 6 * name.length;
    if (x + wide > left + width && x > left) [x, y] = [left, y + LINE];
    context.fillStyle = classColor(k, names.length, false);
    context.beginPath();
    context.arc(x + 4, y - 3.5, 3.5);
    context.fill();
    context.fillStyle = ink;
    context.fillText(name, x + 11, y);
    x += wide;
  });
  return y - top + 5;
}

function scale(context, values, name, [left, top], width, ink) {
  const [low, high] = range(values);
  const colors = colorScale(false);
  const step = Math.min(width / 2, 120) / colors.length;
  context.fillStyle = ink;
  context.fillText(`${name}, nats`, left, top + LINE);
  context.fillText(formatNumber(low, 0), left, top + 2 * LINE);
  const from = left + 34;
  colors.forEach((color, k) => {
    context.fillStyle = color;
    context.fillRect(from + k * step, top + 2 * LINE - 8, step + 0.5, 8);
  });
  context.fillStyle = ink;
  context.fillText(formatNumber(high, 0), from + colors.length * step + 5, top + 2 * LINE);
  return 2 * LINE + 5;
}
