/** The canvases of a map, drawn once per frame after a change: background, points, thumbnails, and markers on top. */
import { el } from "../dom.js";
import { canvasStyle, isDark, onTheme } from "../theme.js";
import { toScreen } from "./camera.js";
import { hex, paint } from "./colors.js";
import { backdropOpacity, drawAxes, drawBackground } from "./backdrop.js";
import { drawMarkers } from "./markers.js";
import { drawRegion, pen } from "./overlay.js";
import { pointLayer } from "./points.js";
import { chooseThumbnails, drawThumbnails, thumbnailCache } from "./thumbnails.js";

const MAX_RATIO = 2; // device pixels per CSS pixel
const DIM = 0.35; // opacity of the backdrop from which the map is dark

/**
 * @param {import("../types.js").App} app
 * @param {import("../types.js").Model} model
 * @param {HTMLElement} stage
 * @param {Object} view  see view.js
 */
export function createLayers(app, model, stage, view) {
  const { size } = view;
  const canvases = ["background", "points", "images", "overlay"].map((name) =>
    el("canvas", { class: name, "aria-hidden": "true" }),
  );
  const [background, dots, images, overlay] = canvases;
  const contexts = {
    background: background.getContext("2d"),
    images: images.getContext("2d"),
    overlay: overlay.getContext("2d"),
  };
  const thumbnails = thumbnailCache(app, model.m, () => redraw());
  let line = null; // the outline of a region that is drawn
  let inks = new Uint8Array(0);
  const points = pointLayer(dots, () => redraw());
  const extras = { density: null, backdrop: null };
  let colors = canvasStyle(stage);
  let pending = null; // "markers" or "all"
  let dimmed = false;
  const magnification = () => view.whole().span / view.camera().span;

  /** Draw in the next frame: everything, or only the markers. */
  function redraw(part = "all") {
    if (!pending) requestAnimationFrame(draw);
    pending = part === "all" ? "all" : (pending ?? "markers");
  }

  function draw() {
    const { backdrop, density } = app.store.get();
    const shown = backdrop ? extras.backdrop : null;
    if (pending === "all") {
      dim();
      const opacity = backdropOpacity(magnification());
      drawBackground(contexts.background, view.camera(), size, colors, shown, opacity);
      points.draw(view.camera(), size, pointStyle(model.points?.n ?? 0, magnification(), dimmed));
      drawImages();
    }
    contexts.overlay.clearRect(0, 0, size.width, size.height);
    drawMarkers(pen(contexts.overlay, view.camera(), size, colors), app, model, density ? extras.density : null);
    if (line) drawRegion(pen(contexts.overlay, view.camera(), size, colors), line);
    if (!model.space) drawAxes(contexts.overlay, view.camera(), size, colors, axes(model.points ?? model.info.projection));
    pending = null;
  }

  function drawImages() {
    contexts.images.clearRect(0, 0, size.width, size.height);
    if (!app.store.get().thumbnails || !model.points) return;
    const chosen = chooseThumbnails(model, view.camera(), size, view.shown);
    const ink = (i) => `rgb(${inks[4 * i]}, ${inks[4 * i + 1]}, ${inks[4 * i + 2]})`;
    drawThumbnails(contexts.images, view.camera(), size, model.points, chosen, thumbnails, ink);
    thumbnails.want(chosen);
  }

  /** The map is dark under a strong backdrop, because most images are: points stay visible on them. */
  function dim() {
    const wanted = app.store.get().backdrop && backdropOpacity(magnification()) > DIM;
    if (wanted === dimmed) return;
    dimmed = wanted;
    if (dimmed) stage.dataset.theme = "dark";
    else delete stage.dataset.theme;
    app.scene.set({ dimmed: app.scene.get().dimmed.map((old, k) => (k === model.m ? dimmed : old)) });
    recolor();
  }

  function recolor() {
    const { color } = app.store.get();
    colors = canvasStyle(stage);
    const classes = model.info.classes?.length ?? 0;
    if (model.points) {
      inks = paint(model.points, color, classes, app.chosen, isDark(stage));
      points.setColors(inks);
    }
    redraw();
  }

  function resize() {
    Object.assign(size, { width: stage.clientWidth || 1, height: stage.clientHeight || 1 });
    const ratio = Math.min(devicePixelRatio || 1, MAX_RATIO);
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
  app.store.on(["camera", "thumbnails", "turn"], () => redraw());
  app.store.on(["color", "backdrop"], recolor);
  app.scene.on(["chosen"], recolor);
  app.store.on(["z", "point", "density", "ellipse", "a", "b", "t", "tool", "region"], () => redraw("markers"));
  app.scene.on(["place", "paths", "ellipses", "encoded", "near"], () => redraw("markers"));
  /** Draw the visible part on a context of any size, for a figure. */
  function drawOn(context, room) {
    const { backdrop, density, color } = app.store.get();
    const [camera, look] = [view.camera(), canvasStyle(stage)];
    const dark = isDark(stage);
    context.fillStyle = look.paper;
    context.fillRect(0, 0, room.width, room.height);
    drawBackground(context, camera, room, look, backdrop ? extras.backdrop : null, backdropOpacity(magnification()));
    const rgba = paint(model.points, color, model.info.classes?.length ?? 0, app.chosen, dark);
    drawDots(context, camera, room, model.points, rgba, pointStyle(model.points.n, magnification(), dimmed));
    drawMarkers(pen(context, camera, room, look), app, model, density ? extras.density : null);
    drawAxes(context, camera, room, look, axes(model.points));
  }

  return {
    recolor,
    drawOn,
    thumbnails,
    /** The outline of a region while it is drawn. @param {number[][]|null} corners */
    setLine: (corners) => ((line = corners), redraw("markers")),
    setPoints: () => points.setPoints(model.points.x, model.points.y),
    /** The density or the backdrop is loaded. */
    setLayers: (more) => (Object.assign(extras, more), redraw()),
  };
}

/** The visible points as discs. */
function drawDots(context, camera, room, { x, y, n }, rgba, { diameter, opacity }) {
  const radius = Math.max((diameter / 2) * Math.min(room.width / 700, 1), 0.6);
  context.globalAlpha = opacity;
  for (let i = 0; i < n; i++) {
    const [px, py] = toScreen(camera, room, x[i], y[i]);
    if (!rgba[4 * i + 3] || px < 0 || py < 0 || px > room.width || py > room.height) continue;
    context.fillStyle = hex(rgba.subarray(4 * i, 4 * i + 3));
    context.beginPath();
    context.arc(px, py, radius);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Points shrink with their number, and grow with the zoom. */
function pointStyle(n, magnification, dimmed) {
  const room = Math.sqrt(10000 / Math.max(n, 1));
  const diameter = Math.min(Math.max(3.8 * room * Math.sqrt(magnification), 2), 9);
  return { diameter: dimmed ? Math.max(diameter * 0.9, 2.5) : diameter, opacity: dimmed ? 0.9 : 0.85 };
}

/** The names of the axes, with the share of variance that each explains. */
function axes({ axes: names, explained_variance_ratio: shares }) {
  return names.map((name, k) =>
    shares ? `${name}, ${Math.round(100 * shares[k])}% of the variance` : name,
  );
}
