/** A record as PNG: replayed on a canvas of 600 points per inch. */
import { el } from "../dom.js";

const PER_MILLIMETER = 600 / 25.4;

/** @returns {Promise<Blob>} see svg.js for the arguments */
export function png(marks, size, width) {
  const scale = (width * PER_MILLIMETER) / size.width;
  const canvas = el("canvas", { width: Math.round(size.width * scale), height: Math.round(size.height * scale) });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.lineCap = "round";
  for (const mark of marks) {
    context.globalAlpha = mark.alpha ?? 1;
    DRAWERS[mark.kind](context, mark);
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

const DRAWERS = {
  path(context, { d, stroke, fill, width, dash }) {
    const path = new Path2D(d.map(([letter, ...numbers]) => letter + numbers.join(" ")).join(""));
    context.setLineDash(dash);
    Object.assign(context, { fillStyle: fill ?? "none", strokeStyle: stroke ?? "none", lineWidth: width });
    if (fill) context.fill(path);
    if (stroke) context.stroke(path);
  },
  text(context, { text, x, y, size, bold, anchor, fill }) {
    const font = `${bold ? "600 " : ""}${size}px Helvetica, Arial, sans-serif`;
    Object.assign(context, { font, fillStyle: fill, textAlign: { start: "left", middle: "center", end: "right" }[anchor] });
    context.fillText(text, x, y);
  },
  image(context, { source, x, y, width, height, smooth }) {
    context.imageSmoothingEnabled = smooth;
    context.drawImage(source, x, y, width, height);
  },
  clip(context, { x, y, width, height }) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
  },
  unclip: (context) => context.restore(),
};
