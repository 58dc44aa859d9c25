/** Which marks the map of a model bears, given the state. */
import { placeOf } from "../latent_navigation.js";
import {
  drawCode,
  drawContours,
  drawEllipse,
  drawHovered,
  drawName,
  drawSketched,
  drawWay,
} from "./overlay.js";

/** @param {Object} tools  a pen @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function drawMarks(tools, app, model, density) {
  const { points, m } = model;
  if (!points) return;
  const state = app.store.get();
  const scene = app.scene.get();
  if (density) drawContours(tools, density);
  if (state.tool === "interpolate") drawEnds(tools, model, state, scene.ways[m]);
  if (state.ellipse && scene.ellipses[m]) drawEllipse(tools, scene.ellipses[m], tools.look.accent);
  if (state.tool === "draw" && scene.sketched[m]) drawAnswer(tools, scene.sketched[m]);
  const place = state.point === null ? placeOf(model, state.z[m]) : placeOfImage(points, state.point);
  if (place && state.tool !== "interpolate") drawCode(tools, place);
  if (scene.place?.i >= 0) drawHovered(tools, placeOfImage(points, scene.place.i));
}

function drawAnswer(tools, { xy, ellipse }) {
  if (ellipse) drawEllipse(tools, ellipse, tools.look.warm);
  drawSketched(tools, xy);
}

function drawEnds(tools, model, state, way) {
  if (way) return drawWay(tools, way, state.t);
  for (const name of ["a", "b"]) {
    const end = state[name];
    const place = end && ("i" in end ? placeOfImage(model.points, end.i) : placeOf(model, end.z[model.m]));
    if (place) drawName(tools, place, name.toUpperCase());
  }
}

const placeOfImage = ({ x, y, n }, i) => (i < n ? [x[i], y[i]] : null);
