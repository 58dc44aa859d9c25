/** The map of one model: its layers, and what hands and keys do on it. */
import { button, el, unique } from "../dom.js";
import { look, onTheme, isDark } from "../theme.js";
import { choose, codeAt, go, inWords, lifted, placeOf } from "../walk.js";
import { fit, pan, scale, toWorld, zoom } from "./camera.js";
import { paint } from "./colours.js";
import { listen } from "./gestures.js";
import { createGrid } from "./grid.js";
import { drawGround, drawScale } from "./ground.js";
import { listenToKeys } from "./keys.js";
import { legend } from "./legend.js";
import { drawMarks } from "./marks.js";
import { pen } from "./overlay.js";
import { pointLayer } from "./points.js";

const REACH = 8; // pixels within which a point is under the pointer
const TILE = 44; // pixels across, about, of a tile of the backdrop

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function mapOf(app, model) {
  const { m } = model;
  const help = unique("help");
  const canvases = ["ground", "dots", "over"].map((name) => el("canvas", { class: name, "aria-hidden": "true" }));
  const stage = el("div", {
    class: "stage",
    tabindex: "0",
    role: "application",
    "aria-roledescription": "map",
    "aria-label": `Latent space of ${model.name}`,
    "aria-describedby": help,
  });
  const words = "Arrow keys move the code, with Shift further. Enter chooses the nearest image, N and P the next and " +
    "the one before. Plus, minus and 0 zoom. A and B set the ends of an interpolation.";
  const size = { width: 1, height: 1 };
  const [ground, dots, over] = canvases;
  const contexts = { ground: ground.getContext("2d"), over: over.getContext("2d") };
  const layer = pointLayer(dots, () => redraw("points"));
  let extras = { density: null, backdrop: null };
  let stale = new Set();
  let colours = look(stage);

  const camera = () => app.store.get().camera[m] ?? (model.points ? fit(model.points.bounds, size) : { x: 0, y: 0, span: 8 });
  const whole = () => (model.points ? fit(model.points.bounds, size).span : 8);
  const see = (next) => app.store.set({ camera: app.store.get().camera.map((one, k) => (k === m ? next : one)) });

  function redraw(...layers) {
    if (!stale.size) requestAnimationFrame(draw);
    for (const name of [...layers, "over"]) stale.add(name);
  }

  function draw() {
    const now = camera();
    const state = app.store.get();
    const backdrop = state.backdrop ? extras.backdrop : null;
    if (stale.has("ground")) drawGround(contexts.ground, now, size, colours, backdrop);
    if (stale.has("points")) layer.draw(now, size, sizes(model.points?.n ?? 0, whole() / now.span, backdrop));
    contexts.over.clearRect(0, 0, size.width, size.height);
    drawMarks(pen(contexts.over, now, size, colours), app, model, state.density ? extras.density : null);
    drawScale(contexts.over, now, size, colours, axes(model.points ?? model.info.projection));
    stale = new Set();
  }

  function recolour() {
    if (app.store.get().backdrop) stage.dataset.theme = "dark";
    else delete stage.dataset.theme;
    colours = look(stage);
    const { colour, hidden } = app.store.get();
    if (model.points) layer.colour(paint(model.points, colour, model.info.classes?.length ?? 0, new Set(hidden), isDark(stage)));
    redraw("ground", "points");
  }

  function resize() {
    Object.assign(size, { width: stage.clientWidth || 1, height: stage.clientHeight || 1 });
    const ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of canvases) {
      canvas.width = Math.round(size.width * ratio);
      canvas.height = Math.round(size.height * ratio);
    }
    for (const context of Object.values(contexts)) context.setTransform(ratio, 0, 0, ratio, 0, 0);
    redraw("ground", "points");
  }

  function under(px, py) {
    const [x, y] = toWorld(camera(), size, px, py);
    return { m, x, y, i: nearest(x, y, REACH / scale(camera(), size)) };
  }

  function nearest(x, y, reach) {
    const { hidden } = app.store.get();
    const shown = (i) => !model.points.label || !hidden.includes(model.points.label[i]);
    return model.grid?.nearest(x, y, reach, shown) ?? -1;
  }

  async function take(place) {
    const picking = app.scene.get().picking;
    if (picking) return app.pick(picking, place);
    if (place.i >= 0) return choose(app, place.i);
    return go(app, m, await codeAt(app, model, [place.x, place.y], app.store.get().z[m]));
  }

  const wishes = {
    hover: (px, py, time) => app.scene.set({ place: { ...under(px, py), time } }),
    leave: () => app.scene.set({ place: null }),
    choose: (px, py) => void take(under(px, py)).catch?.(app.fail),
    pan: (dx, dy) => see(pan(camera(), size, dx, dy)),
    zoom: (px, py, factor) => see(zoom(camera(), size, px, py, factor, whole())),
  };
  const nearer = (factor) => wishes.zoom(size.width / 2, size.height / 2, factor);
  const keys = {
    move(dx, dy, share) {
      const place = placeOf(model, app.store.get().z[m]);
      if (!place) return;
      const far = camera().span * share;
      go(app, m, lifted(model, [place[0] + dx * far, place[1] + dy * far], app.store.get().z[m]));
      app.sayLater(inWords(app.store.get().z[m]));
    },
    enter() {
      const place = placeOf(model, app.store.get().z[m]);
      if (place) take({ m, x: place[0], y: place[1], i: nearest(...place, camera().span) });
    },
    step: (by) => choose(app, ((app.store.get().point ?? -by) + by + model.info.images) % model.info.images),
    nearer,
    whole: () => see(null),
    end: (name) => app.setEnd(name),
    escape: () => app.scene.set({ picking: null }),
  };

  listen(stage, wishes);
  listenToKeys(stage, keys);
  new ResizeObserver(resize).observe(stage);
  onTheme(recolour);
  app.store.on(["camera"], () => redraw("ground", "points"));
  app.store.on(["colour", "hidden", "backdrop"], recolour);
  app.store.on(["z", "point", "density", "ellipse", "a", "b", "t", "tool"], () => redraw());
  app.scene.on(["place", "ways", "ellipses", "sketched"], () => redraw());
  app.scene.on(["picking"], ({ picking }) => stage.classList.toggle("picking", Boolean(picking)));

  const zooms = el(
    "div",
    { class: "zooms", role: "group", "aria-label": "Zoom" },
    button("+", () => nearer(1.6), { "aria-label": "Nearer" }),
    button("−", () => nearer(1 / 1.6), { "aria-label": "Further away" }),
    button("Fit", () => see(null), { "aria-label": "See the whole map" }),
  );
  const caption = app.models.length > 1 ? el("h2", { class: "map-title", title: model.name }, model.name) : null;
  stage.append(...canvases, zooms, el("p", { id: help, class: "unseen" }, words));
  const box = el("section", { class: "map", "aria-label": `Map of ${model.name}` }, caption, stage, legend(app, model, stage));

  return {
    box,
    stage,
    /** The points came. */
    show() {
      model.grid = createGrid(model.points.x, model.points.y, model.points.bounds);
      layer.place(model.points.x, model.points.y);
      recolour();
    },
    /** The values of the points came. */
    recolour,
    /** What the backdrop is decoded for: the square around what is seen, and how many tiles go across it. */
    square() {
      const { x, y } = camera();
      const long = Math.max(size.width, size.height);
      const n = Math.min(Math.max(Math.round(long / TILE), 6), 28);
      return { x, y, side: long / scale(camera(), size), n };
    },
    /** The density or the backdrop came. */
    dress(more) {
      extras = { ...extras, ...more };
      redraw("ground", "points");
    },
  };
}

/** The names of the axes, with the share of the variance that each explains. */
function axes({ axes: names, explained }) {
  return names.map((name, k) => (explained ? `${name}, ${Math.round(100 * explained[k])} % of the variance` : name));
}

/** Points shrink where there are many, and grow as one comes nearer. */
function sizes(n, nearness, backdrop) {
  const room = Math.sqrt(10000 / Math.max(n, 1));
  const diameter = Math.min(Math.max(3.2 * room * Math.sqrt(nearness), 2), 9);
  return { diameter: backdrop ? Math.max(diameter * 0.8, 2) : diameter, opacity: backdrop ? 0.6 : 0.8 };
}
