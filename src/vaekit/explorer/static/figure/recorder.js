/**
 * A context that records what is drawn on it, with the calls of a canvas: the functions that draw the map on the screen
 * draw it for a figure, too. The record is a list of marks in CSS pixels, which svg.js, pdf.js and png.js write.
 *
 * @typedef {{kind: "path", d: (string|number)[][], stroke: string|null, fill: string|null, width: number, dash: number[], alpha: number, disc: number[]|null}} PathMark
 * @typedef {{kind: "text", text: string, x: number, y: number, size: number, bold: boolean, anchor: "start"|"middle"|"end", fill: string, alpha: number}} TextMark
 * @typedef {{kind: "image", source: HTMLCanvasElement, x: number, y: number, width: number, height: number, smooth: boolean, alpha: number}} ImageMark
 * @typedef {{kind: "clip", x: number, y: number, width: number, height: number}|{kind: "unclip"}} ClipMark
 * @typedef {PathMark|TextMark|ImageMark|ClipMark} Mark
 */
import { el } from "../dom.js";

const ARC = 0.5522847498; // control points of a quarter of a circle
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };

/** @returns {any} a context whose `marks` are the record */
export function recorder() {
  const marks = [];
  let path = [];
  let disc = null; // x, y and radius of a path that is one circle
  let dash = [];
  let offset = [0, 0];
  const place = (x, y) => [x + offset[0], y + offset[1]];
  const context = {
    marks,
    fillStyle: "#000000",
    strokeStyle: "#000000",
    lineWidth: 1,
    globalAlpha: 1,
    font: "11px sans-serif",
    textAlign: "left",
    imageSmoothingEnabled: true,
    /** Move the origin of what follows. */
    origin: (x, y) => (offset = [x, y]),
    setLineDash: (lengths) => (dash = lengths),
    clearRect: () => {},
    beginPath: () => ((path = []), (disc = null)),
    moveTo: (x, y) => path.push(["M", ...place(x, y)]),
    lineTo: (x, y) => path.push([path.length ? "L" : "M", ...place(x, y)]),
    arc(x, y, radius) {
      disc = path.length ? null : [...place(x, y), radius];
      path.push(...ellipse(...place(x, y), radius, radius, 0));
    },
    ellipse: (x, y, a, b, angle) => path.push(...ellipse(...place(x, y), a, b, angle)),
    stroke: () => put({ stroke: context.strokeStyle, fill: null }),
    fill: () => put({ stroke: null, fill: context.fillStyle }),
    fillRect(x, y, width, height) {
      path = rectangle(...place(x, y), width, height);
      put({ stroke: null, fill: context.fillStyle });
    },
    strokeText: () => {}, // a halo for the screen
    fillText: (text, x, y) => marks.push(textMark(context, text, ...place(x, y))),
    drawImage(source, x, y, width, height) {
      const [left, top] = place(x, y);
      const { globalAlpha: alpha, imageSmoothingEnabled: smooth } = context;
      marks.push({ kind: "image", source: copied(source), x: left, y: top, width, height, smooth, alpha });
    },
    clip(x, y, width, height) {
      const [left, top] = place(x, y);
      marks.push({ kind: "clip", x: left, y: top, width, height });
    },
    unclip: () => marks.push({ kind: "unclip" }),
  };
  function put(colors) {
    const { lineWidth: width, globalAlpha: alpha } = context;
    if (path.length) marks.push({ kind: "path", d: path.slice(), width, dash, alpha, disc: path.length === 6 ? disc : null, ...colors });
  }
  return context;
}

function textMark({ font, textAlign, fillStyle: fill, globalAlpha: alpha }, text, x, y) {
  const size = Number(font.match(/([\d.]+)px/)?.[1] ?? 11);
  const bold = /\b(bold|[6-9]00)\b/.test(font);
  return { kind: "text", text: String(text), x, y, size, bold, anchor: ANCHORS[textAlign] ?? "start", fill, alpha };
}

const rectangle = (x, y, width, height) => [
  ["M", x, y],
  ["L", x + width, y],
  ["L", x + width, y + height],
  ["L", x, y + height],
  ["Z"],
];

function ellipse(x, y, a, b, angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const at = (u, v) => [x + a * u * cos - b * v * sin, y + a * u * sin + b * v * cos];
  const quarter = ([u, v]) => ["C", ...at(u - ARC * v, v + ARC * u), ...at(-v + ARC * u, u + ARC * v), ...at(-v, u)];
  const turns = [[1, 0], [0, 1], [-1, 0], [0, -1]];
  return [["M", ...at(1, 0)], ...turns.map(quarter), ["Z"]];
}

/** What a canvas or bitmap shows now. */
function copied(source) {
  const canvas = el("canvas", { width: source.width, height: source.height });
  canvas.getContext("2d").drawImage(source, 0, 0);
  return canvas;
}
