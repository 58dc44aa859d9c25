/** The map of one model: its layers, its legend, and its control by pointer and keyboard. */
import { button, el, unique } from "../dom.js";
import { describeLatent, latentAt, project, selectImage, setLatent, unproject } from "../latent_navigation.js";
import { pan, zoom } from "./camera.js";
import { listen } from "./gestures.js";
import { createGrid } from "./grid.js";
import { listenToKeys } from "./keys.js";
import { createLayers } from "./layers.js";
import { legend } from "./legend.js";
import { createView } from "./view.js";

const KEYS =
  "Arrow keys move on the map, with Shift in larger steps. Enter selects the nearest image, N and P the next and the " +
  "previous one. Plus, minus and 0 zoom. A and B set the ends of an interpolation.";

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function createMap(app, model) {
  const help = unique("help");
  const stage = el("div", {
    class: "stage",
    tabindex: "0",
    role: "application",
    "aria-roledescription": "map",
    "aria-label": `Latent space of ${model.name}`,
    "aria-describedby": help,
  });
  const view = createView(app, model);
  const layers = createLayers(app, model, stage, view);
  const actions = pointerActions(app, model, view);
  listen(stage, actions);
  listenToKeys(stage, keyActions(app, model, view, actions));
  app.scene.on(["picking"], ({ picking }) => stage.classList.toggle("picking", Boolean(picking)));
  stage.append(zoomButtons(actions), el("p", { id: help, class: "visually-hidden" }, KEYS));
  const title =
    app.models.length > 1 ? el("h2", { class: "map-title", title: model.name }, model.name) : null;
  const box = el(
    "section",
    { class: "map", "aria-label": `Map of ${model.name}` },
    title,
    stage,
    legend(app, model, stage),
  );
  return {
    box,
    stage,
    square: view.square,
    setLayers: layers.setLayers,
    recolor: layers.recolor,
    /** The points are loaded. */
    show() {
      model.grid = createGrid(model.points.x, model.points.y, model.points.bounds);
      layers.setPoints();
      layers.recolor();
    },
  };
}

/** The actions of a pointer; see gestures.js. */
function pointerActions(app, model, view) {
  const { size, camera, setCamera } = view;
  const zoomBy = (factor) =>
    setCamera(zoom(camera(), size, size.width / 2, size.height / 2, factor, view.whole().span));
  return {
    hover: (px, py, time) => app.scene.set({ place: { ...view.placeAt(px, py), time } }),
    leave: () => app.scene.set({ place: null }),
    select: (px, py) => select(app, model, view.placeAt(px, py)).catch(app.showError),
    pan: (dx, dy) => setCamera(pan(camera(), size, dx, dy)),
    zoom: (px, py, factor) => setCamera(zoom(camera(), size, px, py, factor, view.whole().span)),
    zoomBy,
    showAll: () => setCamera(null),
  };
}

/** The actions of keys; see keys.js. */
function keyActions(app, model, view, { zoomBy, showAll }) {
  const { m } = model;
  const here = () => project(model, app.store.get().z[m]);
  return {
    zoomBy,
    showAll,
    move(dx, dy, share) {
      const place = here();
      if (!place) return;
      const distance = view.camera().span * share;
      setLatent(app, m, unproject(model, [place[0] + dx * distance, place[1] + dy * distance], app.store.get().z[m]));
      app.announceLater(describeLatent(app.store.get().z[m]));
    },
    selectNearest() {
      const place = here();
      if (!place) return;
      const [x, y] = place;
      select(app, model, { m, x, y, i: view.nearest(x, y, view.camera().span) }).catch(app.showError);
    },
    step(by) {
      const { images } = model.info;
      const from = app.store.get().point ?? (by > 0 ? -1 : images);
      selectImage(app, (from + by + images) % images);
    },
    setEnd: (name) => app.setEnd(name),
    escape: () => app.scene.set({ picking: null }),
  };
}

/** Select a point of the map; while an end of an interpolation is being picked, set that end. */
async function select(app, model, place) {
  const { picking } = app.scene.get();
  if (picking) return app.pick(picking, place);
  if (place.i >= 0) return selectImage(app, place.i);
  return setLatent(app, model.m, await latentAt(app, model, [place.x, place.y], app.store.get().z[model.m]));
}

function zoomButtons({ zoomBy, showAll }) {
  return el(
    "div",
    { class: "zoom-buttons", role: "group", "aria-label": "Zoom" },
    button("+", () => zoomBy(1.6), { "aria-label": "Zoom in" }),
    button("−", () => zoomBy(1 / 1.6), { "aria-label": "Zoom out" }),
    button("Fit", showAll, { "aria-label": "Show the whole map" }),
  );
}
