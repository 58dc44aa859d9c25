/** What the maps show: by what the points are colored, which projection, and what lies over and under them. */
import { el, select, toggle } from "../dom.js";
import { MEASURES } from "./legend.js";

const KINDS = { codes: "Codes", pca: "PCA", umap: "UMAP" };
const SHORT = {
  label: "Class",
  reconstruction: "Reconstruction",
  rate: "Rate",
  log_likelihood: "Log-likelihood",
  none: "Nothing",
};
const SWITCHES = {
  density: ["Density", "Contours around the densest regions that hold 25, 50, 75 and 95 % of the points"],
  backdrop: ["Backdrop", "What every place of the map decodes to"],
  ellipse: ["Posterior", "One standard deviation of the chosen image's posterior"],
};

/** @param {import("../types.js").App} app */
export function toolbar(app) {
  const info = app.models[0].info;
  const { color, kind } = app.store.get();
  const colors = select(
    "Color by",
    colorings(info).map((key) => [key, SHORT[key]]),
    color,
    (value) => app.store.set({ color: value }),
  );
  colors.title = Object.values(MEASURES).join("; ");
  const kinds = select(
    "Map",
    info.projection.kinds.map((key) => [key, KINDS[key]]),
    kind,
    (value) => app.store.set({ kind: value }),
  );
  app.store.on(["color", "kind"], (state) => ((colors.value = state.color), (kinds.value = state.kind)));
  const field = (name, box) => el("label", { class: "field" }, el("span", {}, name), box);
  return el(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Map" },
    field("Color by", colors),
    info.projection.kinds.length > 1 ? field("Map", kinds) : null,
    el("div", { class: "switches" }, ...Object.keys(SWITCHES).map((key) => switchOf(app, key))),
  );
}

function colorings({ classes, is_bound: isBound }) {
  return [
    ...(classes ? ["label"] : []),
    "reconstruction",
    ...(isBound ? ["rate", "log_likelihood"] : []),
    "none",
  ];
}

function switchOf(app, key) {
  const [name, title] = SWITCHES[key];
  const box = toggle(name, app.store.get()[key], (on) => app.store.set({ [key]: on }), { title });
  app.store.on([key], (state) => box.setAttribute("aria-pressed", String(state[key])));
  return box;
}
