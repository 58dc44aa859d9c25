/** Draw the markers of a map, given the state. */
import { project } from "../latent_navigation.js";
import {
  drawLatent,
  drawContours,
  drawEllipse,
  drawHovered,
  drawLetter,
  drawDiamond,
  drawPath,
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
  if (state.tool === "draw" && scene.encoded[m]) drawEncoded(pen, scene.encoded[m]);
  const place = state.point === null ? project(model, state.z[m]) : pointOfImage(points, state.point);
  if (place && state.tool !== "interpolate") drawLatent(pen, place);
  if (scene.place?.i >= 0) drawHovered(pen, pointOfImage(points, scene.place.i));
}

function drawEncoded(pen, { xy, ellipse }) {
  if (ellipse) drawEllipse(pen, ellipse, pen.look.warm);
  drawDiamond(pen, xy);
}

function drawEnds(pen, model, state, path) {
  if (path) return drawPath(pen, path, state.t);
  for (const name of ["a", "b"]) {
    const end = state[name];
    const place = end && ("index" in end ? pointOfImage(model.points, end.index) : project(model, end.z[model.m]));
    if (place) drawLetter(pen, place, name.toUpperCase());
  }
}

const pointOfImage = ({ x, y, n }, i) => (i < n ? [x[i], y[i]] : null);
