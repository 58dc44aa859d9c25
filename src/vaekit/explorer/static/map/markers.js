/** Draw the markers of a map, given the state. */
import { project, seenAt } from "../latent_navigation.js";
import {
  drawLatent,
  drawContours,
  drawEllipse,
  drawHovered,
  drawLetter,
  drawDiamond,
  drawPath,
  drawRegion,
} from "./overlay.js";

/** @param {Object} pen @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function drawMarkers(pen, app, model, density) {
  const { points, m } = model;
  if (!points) return;
  const state = app.store.get();
  const scene = app.scene.get();
  if (density) drawContours(pen, density);
  if (state.tool === "interpolate") drawEnds(pen, model, state, scene.paths[m]);
  if (state.ellipse && scene.ellipses[m]) drawEllipse(pen, scene.ellipses[m], pen.look.accent);
  if (state.tool === "draw" && scene.encoded[m]) drawEncoded(pen, model, scene.encoded[m]);
  if (state.region?.m === m && sameTurn(model, state.region)) drawRegion(pen, state.region.corners);
  const place = state.point === null ? placeOf(model, state, scene) : pointOfImage(points, state.point);
  if (place && state.tool !== "interpolate") drawLatent(pen, place);
  if (scene.place?.i >= 0) drawHovered(pen, pointOfImage(points, scene.place.i));
}

function drawEncoded(pen, model, { xy, ellipse }) {
  if (ellipse) drawEllipse(pen, ellipse, pen.look.warm);
  drawDiamond(pen, seenAt(model, xy));
}

/** Where the current latent vector is; on a map that is not linear, the backend says so. */
function placeOf(model, { z }, { near }) {
  const found = near[model.m];
  const known = found && found.z.every((value, j) => value === z[model.m][j]);
  return project(model, z[model.m]) ?? (known ? seenAt(model, found.xy) : null);
}

/** A region in space is drawn while it is seen as it was drawn. */
const sameTurn = ({ space }, { turn }) => !space || !turn || turn.every((angle, k) => Math.abs(angle - space.turn[k]) < 1e-3);

function drawEnds(pen, model, state, path) {
  if (path) return drawPath(pen, path, state.t);
  for (const name of ["a", "b"]) {
    const end = state[name];
    const place = end && ("index" in end ? pointOfImage(model.points, end.index) : project(model, end.z[model.m]));
    if (place) drawLetter(pen, place, name.toUpperCase());
  }
}

const pointOfImage = ({ x, y, n }, i) => (i < n ? [x[i], y[i]] : null);
