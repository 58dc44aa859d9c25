/**
 * Markers on top of the points: contours of their density, posteriors, the path from A to B, and the current latent
 * vector.
 *
 * Every marker is drawn twice, with a halo in the background color below it, so that it is visible on any color.
 */
import { scale, toScreen } from "./camera.js";

/** Drawing functions in the units of the map. */
export function pen(context, camera, size, look) {
  const at = ([x, y]) => toScreen(camera, size, x, y);
  const stroke = (color, width, path, dash = []) => {
    for (const [ink, extra] of [
      [look.paper, 2.5],
      [color, 0],
    ]) {
      context.setLineDash(extra ? [] : dash);
      context.lineWidth = width + extra;
      context.strokeStyle = ink;
      context.beginPath();
      path();
      context.stroke();
    }
    context.setLineDash([]);
  };
  const ring = (place, radius) => {
    const [x, y] = at(place);
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  };
  return { context, look, at, stroke, ring, unit: scale(camera, size) };
}

/** Contours of the densest regions, thin lines without a halo. */
export function drawContours({ context, look, at }, { paths }) {
  context.strokeStyle = look.ink;
  context.globalAlpha = 0.55;
  context.lineWidth = 1;
  context.beginPath();
  for (const path of paths) trace(context, path.map(at));
  context.stroke();
  context.globalAlpha = 1;
}

/** One standard deviation of a posterior. */
export function drawEllipse({ context, stroke, at, unit }, ellipse, color) {
  const [x, y] = at([ellipse.x, ellipse.y]);
  const radius = (axis) => Math.max(axis * unit, 1);
  stroke(color, 1.75, () =>
    context.ellipse(x, y, radius(ellipse.a), radius(ellipse.b), -ellipse.angle, 0, 2 * Math.PI),
  );
}

/** The current latent vector: a ring with a crosshair. */
export function drawLatent({ context, stroke, at, ring, look }, place) {
  const [x, y] = at(place);
  stroke(look.accent, 2, () => {
    ring(place, 8);
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ])
      trace(context, [
        [x + 5 * dx, y + 5 * dy],
        [x + 13 * dx, y + 13 * dy],
      ]);
  });
}

/** The point under the pointer. */
export function drawHovered({ stroke, ring, look }, place) {
  stroke(look.ink, 1.75, () => ring(place, 6));
}

/** The posterior mean of the drawing. */
export function drawDiamond({ context, stroke, at, look }, place) {
  const [x, y] = at(place);
  stroke(look.warm, 2.25, () =>
    trace(context, [
      [x, y - 8],
      [x + 8, y],
      [x, y + 8],
      [x - 8, y],
      [x, y - 8],
    ]),
  );
}

/** The path from A to B, and the position on it. */
export function drawPath(tools, points, t) {
  const { context, stroke, at, ring, look } = tools;
  stroke(look.ink, 1.75, () => trace(context, points.map(at)), [5, 4]);
  stroke(look.accent, 3, () => ring(along(points, t), 5));
  drawLetter(tools, points[0], "A");
  drawLetter(tools, points.at(-1), "B");
}

/** The outline of a selected region. */
export function drawRegion({ context, stroke, at, look }, corners) {
  const outline = [...corners, corners[0]].map(at);
  context.beginPath();
  trace(context, outline);
  context.globalAlpha = 0.08;
  context.fillStyle = look.accent;
  context.fill();
  context.globalAlpha = 1;
  stroke(look.accent, 1.5, () => trace(context, outline), [6, 4]);
}

/** A letter on a disc. */
export function drawLetter({ context, at, look }, place, name) {
  const [x, y] = at(place);
  context.beginPath();
  context.arc(x, y, 10, 0, 2 * Math.PI);
  context.fillStyle = look.ink;
  context.fill();
  context.strokeStyle = look.paper;
  context.lineWidth = 2;
  context.stroke();
  context.fillStyle = look.paper;
  context.font = `600 ${look.font}`;
  context.textAlign = "center";
  context.fillText(name, x, y + 4);
}

/** The position at a share t of the steps of a path. */
export function along(points, t) {
  const step = t * (points.length - 1);
  const k = Math.min(Math.floor(step), points.length - 2);
  return points[k].map((from, axis) => from + (points[k + 1][axis] - from) * (step - k));
}

function trace(context, [first, ...rest]) {
  if (!first) return;
  context.moveTo(...first);
  for (const place of rest) context.lineTo(...place);
}
