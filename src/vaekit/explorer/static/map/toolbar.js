/** The options of the maps: colors, projection, and layers. */
import { choice, el, select, toggle } from "../dom.js";
import { MEASURES } from "./legend.js";

const KINDS = { latents: "Latents", pca: "PCA", umap: "UMAP", tsne: "t-SNE" };
const DIMS = [
  ["2", "2-D"],
  ["3", "3-D"],
];
const BETWEEN = [
  ["plane", "Plane"],
  ["neighbors", "Neighbors"],
];
const SHORT = {
  label: "Class",
  reconstruction: "Reconstruction",
  kl: "KL",
  log_likelihood: "Log-likelihood",
  error: "Error",
  none: "None",
};
const LAYERS = {
  density: ["Density", "Contours of the densest regions that hold 25, 50, 75 and 95% of the points"],
  backdrop: ["Backdrop", "The decoded image at every point of the map"],
  thumbnails: ["Images", "The images of the data at their points, where there is room: zoom in"],
  ellipse: ["Posterior", "One standard deviation of the posterior of the selected image"],
};

/** @param {import("../types.js").App} app */
export function toolbar(app) {
  const info = app.models[0].info;
  const { color, kind, dims } = app.store.get();
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
  const missing = Object.entries(info.projection.missing ?? {});
  kinds.append(...missing.map(([key, how]) => el("option", { value: key, disabled: true }, `${KINDS[key]} (${how})`)));
  const space = choice("Dimensions of the map", DIMS, String(dims), (value) => app.store.set({ dims: Number(value) }));
  app.store.on(["color", "kind", "dims"], (state) => {
    colors.value = state.color;
    kinds.value = state.kind;
    space.choose(String(state.dims));
  });
  const field = (name, box) => el("label", { class: "field" }, el("span", {}, name), box);
  return el(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Map" },
    field("Color by", colors),
    info.projection.kinds.length > 1 ? field("Map", kinds) : null,
    info.projection.spatial ? space : null,
    betweenChoice(app),
    el("div", { class: "toggles" }, ...Object.keys(LAYERS).map((key) => layerToggle(app, key))),
  );
}

/** How a point of a map that is not the latent space is decoded: by a plane if it has one, or by its nearest images. */
function betweenChoice(app) {
  const [model] = app.models;
  const box = choice("Decode a point of the map by", BETWEEN, app.store.get().between, (between) => app.store.set({ between }));
  box.title = "Decode the plane of the map, or means of the latents of the nearest images";
  const refresh = () => (box.hidden = model.points?.kind !== "pca" || model.points.dims === 3);
  app.store.on(["between"], ({ between }) => box.choose(between));
  app.scene.on(["loaded"], refresh);
  refresh();
  return box;
}

function colorOptions({ classes, is_bound: isBound }) {
  return [
    ...(classes ? ["label"] : []),
    "reconstruction",
    ...(isBound ? ["kl", "log_likelihood"] : []),
    "error",
    "none",
  ];
}

function layerToggle(app, key) {
  const [name, title] = LAYERS[key];
  const box = toggle(name, app.store.get()[key], (on) => app.store.set({ [key]: on }), { title });
  app.store.on([key], (state) => box.setAttribute("aria-pressed", String(state[key])));
  return box;
}
