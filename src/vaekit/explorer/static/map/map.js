/** The map of one model: its layers, its legend, and its control by pointer and keyboard. */
import { button, el, unique } from "../dom.js";
import {
  describeLatent,
  isBetween,
  latentAt,
  project,
  selectImage,
  setLatent,
  unproject,
} from "../latent_navigation.js";
import { rectangle, thinned } from "../selection/region.js";
import { pan, zoom } from "./camera.js";
import { listen } from "./gestures.js";
import { createGrid } from "./grid.js";
import { listenToKeys } from "./keys.js";
import { createLayers } from "./layers.js";
import { legend } from "./legend.js";
import { mapNote } from "./note.js";
import { dragged, extent, turnPoints } from "./space.js";
import { tooltip } from "./tooltip.js";
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
  listen(stage, { ...actions, ...drawActions(app, model, view, layers) });
  listenToKeys(stage, keyActions(app, model, view, actions));
  app.scene.on(["picking"], ({ picking }) => stage.classList.toggle("picking", Boolean(picking)));
  app.scene.on(["drawing"], ({ drawing }) => stage.classList.toggle("drawing-region", Boolean(drawing)));
  app.store.on(["turn"], () => model.space && turn());
  tooltip(app, model, stage, layers.thumbnails);
  stage.append(zoomButtons(actions), el("p", { id: help, class: "visually-hidden" }, KEYS));
  const title =
    app.models.length > 1 ? el("h2", { class: "map-title", title: model.name }, model.name) : null;
  const box = el(
    "section",
    { class: "map", "aria-label": `Map of ${model.name}` },
    title,
    stage,
    mapNote(app, model),
    legend(app, model, stage),
  );
  return {
    box,
    stage,
    square: view.square,
    size: view.size,
    drawOn: layers.drawOn,
    setLayers: layers.setLayers,
    recolor: layers.recolor,
    /** The points are loaded. */
    show() {
      const { x, y, depth } = model.points;
      model.space = depth ? { x, y, depth, ...extent(model.points) } : null;
      if (model.space) turn();
      else place();
      layers.recolor();
    },
  };

  /** See a map in space from the direction of the state. */
  function turn() {
    const { middle, radius } = model.space;
    model.space.turn = app.store.get().turn;
    const seen = turnPoints(model.space, middle, model.space.turn);
    Object.assign(model.points, seen, { bounds: [-radius, radius, -radius, radius] });
    place();
  }

  function place() {
    model.grid = createGrid(model.points.x, model.points.y, model.points.bounds);
    layers.setPoints();
  }
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
    pan(dx, dy, fingers) {
      if (model.space && fingers === 1) app.store.set({ turn: dragged(app.store.get().turn, dx, dy) });
      else setCamera(pan(camera(), size, dx, dy));
    },
    zoom: (px, py, factor) => setCamera(zoom(camera(), size, px, py, factor, view.whole().span)),
    zoomBy,
    showAll: () => setCamera(null),
  };
}

/** What a drag draws, and the region that it becomes; see gestures.js. */
function drawActions(app, model, view, layers) {
  const cornersOf = (line) => {
    const world = line.map(([px, py]) => view.toWorld(px, py));
    return app.scene.get().drawing === "lasso" ? thinned(world) : rectangle(world[0], world.at(-1));
  };
  return {
    drawing: (shift) => app.scene.get().drawing ?? (shift ? "rectangle" : null),
    draw: (line) => layers.setLine(cornersOf(line)),
    drawn(line) {
      layers.setLine(null);
      if (line.length > 1) {
        const turn = model.space ? model.space.turn : null;
        app.store.set({ region: { m: model.m, corners: cornersOf(line), turn }, tool: "select" });
      }
      app.scene.set({ drawing: null });
    },
  };
}

/** The actions of keys; see keys.js. */
function keyActions(app, model, view, { zoomBy, showAll }) {
  const { m } = model;
  const here = () => project(model, app.store.get().z[m]) ?? nearOf(app, m);
  return {
    zoomBy,
    showAll,
    async move(dx, dy, share) {
      if (model.space) return app.store.set({ turn: dragged(app.store.get().turn, 400 * share * dx, -400 * share * dy) });
      const place = here();
      if (!place) return;
      const distance = view.camera().span * share;
      const next = [place[0] + dx * distance, place[1] + dy * distance];
      const known = unproject(model, next, app.store.get().z[m]);
      const z = isBetween(app, model) ? await latentAt(app, model, next, app.store.get().z[m]) : known;
      setLatent(app, m, z);
      app.announceLater(describeLatent(z));
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
    escape: () => app.scene.set({ picking: null, drawing: null }),
  };
}

/** Where the current latent vector is on a map that is not linear, once the backend has said so. */
function nearOf(app, m) {
  const found = app.scene.get().near[m];
  return found?.xy.length === 2 ? found.xy : null;
}

/** Select a point of the map; while an end of an interpolation is being picked, set that end. */
async function select(app, model, place) {
  const { picking } = app.scene.get();
  if (picking) return app.pick(picking, place);
  if (place.i >= 0) return selectImage(app, place.i);
  if (model.space) return;
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
