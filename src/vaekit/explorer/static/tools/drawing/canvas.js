/** The canvas to draw on: its brushes, and the strokes of a pointer. */
import { choice, el, slider } from "../../dom.js";
import { drawableImage } from "./image.js";
import { drawableVector } from "./vector.js";

const MODES = [
  ["draw", "Draw"],
  ["erase", "Erase"],
  ["mask", "Mask"],
  ["unmask", "Unmask"],
];

/**
 * @param {[number, number, number]} shape  C, H, W of the images
 * @param {() => void} changed  called after every touch
 * @param {() => void} finished  called after every stroke
 */
export function drawingCanvas(shape, changed, finished) {
  const [channels, height, width] = shape;
  const image = height > 1 ? drawableImage(shape) : drawableVector(shape);
  const brush = { mode: "draw", radius: image.size.height / 22, ink: [255, 255, 255] };
  const canvas = el("canvas", {
    class: "picture drawing-canvas",
    ...image.size,
    role: "img",
    "aria-label": "Drawing",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  paintOn(canvas, image, brush, changed, finished);
  const brushes = el(
    "div",
    { class: "brushes" },
    choice("Brush", MODES, brush.mode, (mode) => (brush.mode = mode)),
    thickness(brush, image.size.height),
    channels === 3 ? color(brush) : null,
  );
  return {
    canvas,
    brushes,
    image,
    /** Show the drawing. */
    paint: () => image.paint(context),
    /** Replace the drawing by an image. */
    put(bitmap) {
      context.drawImage(bitmap, 0, 0, width, height);
      image.clear();
      image.read(context);
    },
  };
}

function thickness(brush, height) {
  const most = Math.max(height / 5, 2);
  brush.radius = Math.max(brush.radius, 0.6);
  const oninput = (value) => (brush.radius = value);
  return slider("Thickness", { min: 0.5, max: most, step: 0.1, digits: 1, value: brush.radius, oninput });
}

function color(brush) {
  const oninput = (event) => (brush.ink = bytes(event.target.value));
  return el("input", { type: "color", value: "#ffffff", "aria-label": "Brush color", oninput });
}

function paintOn(canvas, image, brush, changed, finished) {
  let from = null;
  const at = (event) => [
    (event.offsetX / canvas.clientWidth) * canvas.width,
    (event.offsetY / canvas.clientHeight) * canvas.height,
  ];
  const stroke = (event) => {
    const to = at(event);
    image.stroke(brush.mode, from, to, brush.radius, brush.ink);
    from = to;
    changed();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = at(event);
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => from && stroke(event));
  const lift = () => from && ((from = null), finished());
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, lift);
}

const bytes = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
