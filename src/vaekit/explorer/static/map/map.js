/** The map of one model: its layers, its legend, and what hands and keys do on it. */
import { button, el, unique } from "../dom.js";
import { choose, codeAt, go, inWords, lifted, placeOf } from "../latent_navigation.js";
import { pan, zoom } from "./camera.js";
import { listen } from "./gestures.js";
import { createGrid } from "./grid.js";
import { listenToKeys } from "./keys.js";
import { createLayers } from "./layers.js";
import { legend } from "./legend.js";
import { createView } from "./view.js";

const KEYS =
  "Arrow keys move the code, with Shift further. Enter chooses the nearest image, N and P the next and the one " +
  "before. Plus, minus and 0 zoom. A and B set the ends of an interpolation.";

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function mapOf(app, model) {
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
  const wishes = wishesOf(app, model, view);
  listen(stage, wishes);
  listenToKeys(stage, keysOf(app, model, view, wishes));
  app.scene.on(["picking"], ({ picking }) => stage.classList.toggle("picking", Boolean(picking)));
  stage.append(zooms(wishes), el("p", { id: help, class: "unseen" }, KEYS));
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
    dress: layers.dress,
    recolor: layers.recolor,
    /** The points came. */
    show() {
      model.grid = createGrid(model.points.x, model.points.y, model.points.bounds);
      layers.place();
      layers.recolor();
    },
  };
}

/** What hands wish for; see gestures.js. */
function wishesOf(app, model, view) {
  const { size, camera, see } = view;
  const middle = (factor) =>
    see(zoom(camera(), size, size.width / 2, size.height / 2, factor, view.whole().span));
  return {
    hover: (px, py, time) => app.scene.set({ place: { ...view.under(px, py), time } }),
    leave: () => app.scene.set({ place: null }),
    choose: (px, py) => take(app, model, view.under(px, py)).catch(app.fail),
    pan: (dx, dy) => see(pan(camera(), size, dx, dy)),
    zoom: (px, py, factor) => see(zoom(camera(), size, px, py, factor, view.whole().span)),
    nearer: middle,
    whole: () => see(null),
  };
}

/** What keys wish for; see keys.js. */
function keysOf(app, model, view, { nearer, whole }) {
  const { m } = model;
  const here = () => placeOf(model, app.store.get().z[m]);
  return {
    nearer,
    whole,
    move(dx, dy, share) {
      const place = here();
      if (!place) return;
      const far = view.camera().span * share;
      go(app, m, lifted(model, [place[0] + dx * far, place[1] + dy * far], app.store.get().z[m]));
      app.sayLater(inWords(app.store.get().z[m]));
    },
    enter() {
      const place = here();
      if (!place) return;
      const [x, y] = place;
      take(app, model, { m, x, y, i: view.nearest(x, y, view.camera().span) }).catch(app.fail);
    },
    step(by) {
      const { images } = model.info;
      const from = app.store.get().point ?? (by > 0 ? -1 : images);
      choose(app, (from + by + images) % images);
    },
    end: (name) => app.setEnd(name),
    escape: () => app.scene.set({ picking: null }),
  };
}

/** Let a place be what is looked at, or the end of an interpolation that is being picked. */
async function take(app, model, place) {
  const { picking } = app.scene.get();
  if (picking) return app.pick(picking, place);
  if (place.i >= 0) return choose(app, place.i);
  return go(app, model.m, await codeAt(app, model, [place.x, place.y], app.store.get().z[model.m]));
}

function zooms({ nearer, whole }) {
  return el(
    "div",
    { class: "zooms", role: "group", "aria-label": "Zoom" },
    button("+", () => nearer(1.6), { "aria-label": "Nearer" }),
    button("−", () => nearer(1 / 1.6), { "aria-label": "Further away" }),
    button("Fit", whole, { "aria-label": "See the whole map" }),
  );
}
