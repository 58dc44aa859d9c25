/** The options of the maps: colors, projection, and layers. */
import { el, select, toggle } from "../dom.js";
import { MEASURES } from "./legend.js";

const KINDS = { latents: "Latents", pca: "PCA", umap: "UMAP" };
const SHORT = {
  label: "Class",
  reconstruction: "Reconstruction",
  kl: "KL",
  log_likelihood: "Log-likelihood",
  none: "None",
};
const LAYERS = {
  density: ["Density", "Contours of the densest regions that hold 25, 50, 75 and 95% of the points"],
  backdrop: ["Backdrop", "The decoded image at every point of the map"],
  ellipse: ["Posterior", "One standard deviation of the posterior of the selected image"],
};

/** @param {import("../types.js").App} app */
export function toolbar(app) {
  const info = app.models[0].info;
  const { color, kind } = app.store.get();
  const colors = select(
    "Color by",
    colorOptions(info).map((key) => [key, SHORT[key]]),
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
    el("div", { class: "toggles" }, ...Object.keys(LAYERS).map((key) => layerToggle(app, key))),
  );
}

function colorOptions({ classes, is_bound: isBound }) {
  return [
    ...(classes ? ["label"] : []),
    "reconstruction",
    ...(isBound ? ["kl", "log_likelihood"] : []),
    "none",
  ];
}

function layerToggle(app, key) {
  const [name, title] = LAYERS[key];
  const box = toggle(name, app.store.get()[key], (on) => app.store.set({ [key]: on }), { title });
  app.store.on([key], (state) => box.setAttribute("aria-pressed", String(state[key])));
  return box;
}
