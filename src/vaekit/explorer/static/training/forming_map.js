/** The map of an epoch on a canvas: points move from where they were to where they are. */
import { classColor } from "../map/colors.js";
import { canvasStyle, isDark } from "../theme.js";

const MOVE = 300; // milliseconds from one epoch to the next
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {HTMLCanvasElement} canvas */
export function formingMap(canvas) {
  let shown = null; // where points are drawn now, and the range of the axes
  let target = null;
  let frame = 0;
  const colors = (n) => Array.from({ length: n }, (_, k) => classColor(k, n, isDark()));
  const redraw = () => target && draw(canvas, shown ?? target, target, colors(target.classes));
  new ResizeObserver(redraw).observe(canvas);
  return {
    colors,
    /** Show the state of an epoch; labels are classes, or -1. */
    show(state, labels, classes) {
      const from = shown ?? target;
      target = { x: state.x, y: state.y, labels, classes, range: rangeOf(state) };
      cancelAnimationFrame(frame);
      if (!from || still.matches || from.x.length !== state.x.length) {
        shown = null;
        return redraw();
      }
      const began = performance.now();
      const step = (time) => {
        const share = Math.min((time - began) / MOVE, 1);
        const eased = share * share * (3 - 2 * share);
        const between = (a, b) => a.map((value, i) => value + eased * (b[i] - value));
        shown = share < 1 ? { x: between(from.x, target.x), y: between(from.y, target.y), range: between(from.range, target.range) } : null;
        redraw();
        if (share < 1) frame = requestAnimationFrame(step);
      };
      frame = requestAnimationFrame(step);
    },
  };
}

/** [center x, center y, half of the span], without the farthest hundredth of the points. */
function rangeOf({ x, y }) {
  const inner = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    return [at(0.005), at(0.995)];
  };
  const [[left, right], [bottom, top]] = [inner(x), inner(y)];
  return [(left + right) / 2, (bottom + top) / 2, 0.56 * Math.max(right - left, (top - bottom) * (4 / 3), 1e-3)];
}

function draw(canvas, { x, y, range }, { labels, classes }, colors) {
  const density = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const style = canvasStyle(canvas);
  const pen = canvas.getContext("2d");
  pen.scale(density, density);
  pen.clearRect(0, 0, width, height);
  const [centerX, centerY, half] = range;
  const scale = width / (2 * half);
  const toX = (value) => width / 2 + (value - centerX) * scale;
  const toY = (value) => height / 2 - (value - centerY) * scale;
  pen.strokeStyle = style.axis;
  pen.lineWidth = 1;
  for (const [a, b] of [
    [[toX(0), 0], [toX(0), height]],
    [[0, toY(0)], [width, toY(0)]],
  ]) {
    pen.beginPath();
    pen.moveTo(...a);
    pen.lineTo(...b);
    pen.stroke();
  }
  const size = Math.max(1.6, Math.min(3.2, width / 220));
  pen.globalAlpha = 0.85;
  for (let i = 0; i < x.length; i++) {
    pen.fillStyle = (classes && colors[labels[i]]) || style.muted;
    pen.beginPath();
    pen.arc(toX(x[i]), toY(y[i]), size, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}
