/** The three canvases of a map, drawn once a frame where something changed: ground, points, and marks over them. */
import { el } from "../dom.js";
import { isDark, look, onTheme } from "../theme.js";
import { paint } from "./colors.js";
import { drawGround, drawScale } from "./backdrop.js";
import { drawMarks } from "./markers.js";
import { pen } from "./overlay.js";
import { pointLayer } from "./points.js";

const FINEST = 2; // device pixels a CSS pixel, at most

/**
 * @param {import("../types.js").App} app
 * @param {import("../types.js").Model} model
 * @param {HTMLElement} stage
 * @param {Object} view  see view.js
 */
export function createLayers(app, model, stage, view) {
  const { size } = view;
  const canvases = ["ground", "dots", "over"].map((name) =>
    el("canvas", { class: name, "aria-hidden": "true" }),
  );
  const [ground, dots, over] = canvases;
  const contexts = { ground: ground.getContext("2d"), over: over.getContext("2d") };
  const points = pointLayer(dots, () => redraw());
  const extras = { density: null, backdrop: null };
  let colors = look(stage);
  let due = null; // "marks", or "all"

  /** Draw what changed in the next frame: all of it, or only the marks. */
  function redraw(what = "all") {
    if (!due) requestAnimationFrame(draw);
    due = what === "all" ? "all" : (due ?? "marks");
  }

  function draw() {
    const { backdrop, density } = app.store.get();
    const shown = backdrop ? extras.backdrop : null;
    if (due === "all") {
      drawGround(contexts.ground, view.camera(), size, colors, shown);
      points.draw(
        view.camera(),
        size,
        dotLook(model.points?.n ?? 0, view.whole().span / view.camera().span, shown),
      );
    }
    contexts.over.clearRect(0, 0, size.width, size.height);
    drawMarks(pen(contexts.over, view.camera(), size, colors), app, model, density ? extras.density : null);
    drawScale(contexts.over, view.camera(), size, colors, axes(model.points ?? model.info.projection));
    due = null;
  }

  /** A backdrop is dark whatever the page is, so that points show on images that mostly are. */
  function recolor() {
    const { color, hidden, backdrop } = app.store.get();
    if (backdrop) stage.dataset.theme = "dark";
    else delete stage.dataset.theme;
    colors = look(stage);
    const classes = model.info.classes?.length ?? 0;
    if (model.points) points.color(paint(model.points, color, classes, new Set(hidden), isDark(stage)));
    redraw();
  }

  function resize() {
    Object.assign(size, { width: stage.clientWidth || 1, height: stage.clientHeight || 1 });
    const ratio = Math.min(devicePixelRatio || 1, FINEST);
    for (const canvas of canvases) {
      canvas.width = Math.round(size.width * ratio);
      canvas.height = Math.round(size.height * ratio);
    }
    for (const context of Object.values(contexts)) context.setTransform(ratio, 0, 0, ratio, 0, 0);
    redraw();
  }

  stage.prepend(...canvases);
  new ResizeObserver(resize).observe(stage);
  onTheme(recolor);
  app.store.on(["camera"], () => redraw());
  app.store.on(["color", "hidden", "backdrop"], recolor);
  app.store.on(["z", "point", "density", "ellipse", "a", "b", "t", "tool"], () => redraw("marks"));
  app.scene.on(["place", "ways", "ellipses", "sketched"], () => redraw("marks"));
  return {
    recolor,
    place: () => points.place(model.points.x, model.points.y),
    /** The density or the backdrop came. */
    dress: (more) => (Object.assign(extras, more), redraw()),
  };
}

/** Points shrink where there are many, and grow as one comes nearer. */
function dotLook(n, nearness, backdrop) {
  const room = Math.sqrt(10000 / Math.max(n, 1));
  const diameter = Math.min(Math.max(3.2 * room * Math.sqrt(nearness), 2), 9);
  return { diameter: backdrop ? Math.max(diameter * 0.8, 2) : diameter, opacity: backdrop ? 0.6 : 0.8 };
}

/** The names of the axes, with the share of the variance that each explains. */
function axes({ axes: names, explained }) {
  return names.map((name, k) =>
    explained ? `${name}, ${Math.round(100 * explained[k])} % of the variance` : name,
  );
}
