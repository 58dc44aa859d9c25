/**
 * Interpolation from A to B: all images come in one row, so that scrubbing and playing need no further requests.
 *
 * Two models follow the same path, each in its own latent space, at the same time.
 */
import { button, choice, el, save, slider } from "../dom.js";
import { modelPanel } from "../model_panel.js";
import { latest } from "../latest.js";
import { imageCanvas } from "../image.js";
import { project, setLatents } from "../latent_navigation.js";
import { endBox, initialEnds } from "./endpoints.js";

const SUBSTEPS = 4; // decoded images per image of the strip
const SECONDS = 4; // for the whole path

/** @param {import("../types.js").App} app */
export function interpolation(app) {
  const panels = app.models.map((model) => pathPanel(app, model));
  const scrub = slider("t", {
    min: 0,
    max: 1,
    step: 0.005,
    value: app.store.get().t,
    oninput: (t) => app.store.set({ t }),
  });
  scrub.classList.add("scrubber");
  app.store.on(["t"], ({ t }) => scrub.put(t));
  const kinds = [
    ["linear", "Linear"],
    ["spherical", "Spherical"],
  ];
  const path = choice("Path", kinds, app.store.get().path, (value) => app.store.set({ path: value }));
  const steps = slider("Steps", {
    min: 3,
    max: 16,
    step: 1,
    digits: 0,
    value: app.store.get().steps,
    oninput: (value) => app.store.set({ steps: value }),
  });
  app.store.on(["path", "steps"], (state) => (path.choose(state.path), steps.put(state.steps)));
  const decodeAll = latest((state) => Promise.all(panels.map((panel) => panel.decode(state))), app.showError);
  const refresh = () => {
    const state = app.store.get();
    if (state.tool === "interpolate") initialEnds(app);
    if (state.tool === "interpolate" && state.a && state.b) decodeAll(app.store.get());
  };
  app.store.on(["a", "b", "path", "steps", "label", "tool", "kind"], refresh);
  app.scene.on(["loaded"], refresh);
  return el(
    "div",
    {},
    el("div", { class: "ends" }, endBox(app, "a"), swapButton(app), endBox(app, "b")),
    el(
      "div",
      { class: "group" },
      el("div", { class: "row spread" }, playButton(app), path, goHereButton(app)),
      scrub,
    ),
    ...panels.map(({ box }) => box),
    el(
      "div",
      { class: "group" },
      steps,
      el("div", { class: "row" }, saveButton(app, panels, "png"), saveButton(app, panels, "gif")),
    ),
  );
}

function pathPanel(app, model) {
  const { m } = model;
  const strip = imageCanvas(`Images from A to B, ${model.name}`, { class: "picture strip" });
  /** @type {{latents: number[][], row: ImageBitmap, state: Object}|null} */
  let path = null;
  const at = (event) => Math.min(Math.max(event.offsetX / strip.clientWidth, 0), 1);
  strip.addEventListener("click", (event) => app.store.set({ t: nearest(at(event), path?.state.steps ?? 2) }));

  async function decode(state) {
    const count = SUBSTEPS * (state.steps - 1) + 1;
    const ends = { a: endOf(state.a, m), b: endOf(state.b, m) };
    const latents = await app.backend.interpolate(m, {
      ...ends,
      steps: count,
      path: state.path,
      label: state.label,
    });
    const row = await app.backend.decode(m, latents, state.label, "path");
    path = { latents, row, state };
    const points = latents.map((z) => project(model, z));
    const polyline = points.every(Boolean) ? points : null;
    app.scene.set({ paths: app.scene.get().paths.map((old, k) => (k === m ? polyline : old)) });
    showStrip(strip, path);
    refreshFrame();
  }

  function refreshFrame() {
    if (!path) return;
    const { t, tool } = app.store.get();
    const n = path.latents.length;
    const k = Math.round(t * (n - 1));
    const frame = tool === "interpolate" ? { row: path.row, k, n, z: path.latents[k], t } : null;
    app.scene.set({ frames: app.scene.get().frames.map((old, j) => (j === m ? frame : old)) });
    shown.style.setProperty("--t", (0.5 + t * (path.state.steps - 1)) / path.state.steps);
  }

  app.store.on(["t", "tool"], refreshFrame);
  const shown = el("div", { class: "strip-box" }, strip);
  const box = modelPanel(app, model, shown);
  return { box, decode, chosen: () => path && every(path.latents, SUBSTEPS), all: () => path?.latents, m };
}

/** The images of the strip, side by side. */
function showStrip(strip, { row, latents }) {
  const width = row.width / latents.length;
  const shown = every(latents, SUBSTEPS).length;
  Object.assign(strip, { width: width * shown, height: row.height });
  const context = strip.getContext("2d");
  for (let k = 0; k < shown; k++)
    context.drawImage(row, k * SUBSTEPS * width, 0, width, row.height, k * width, 0, width, row.height);
  strip.classList.add("shown");
}

function playButton(app) {
  let playing = 0;
  let direction = 1;
  const box = button("Play", () => (playing ? stop() : start()), { class: "button primary" });
  function start() {
    let before = performance.now();
    direction = app.store.get().t >= 1 ? -1 : 1;
    box.textContent = "Pause";
    const step = (now) => {
      const t = app.store.get().t + (direction * (now - before)) / 1000 / SECONDS;
      before = now;
      if (t > 1 || t < 0) direction = -direction;
      app.store.set({ t: Math.min(Math.max(t, 0), 1) });
      playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  }
  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    box.textContent = "Play";
  }
  app.store.on(["tool"], stop);
  app.scene.on(["playing"], ({ playing: wanted }) => wanted && !playing && start());
  if (app.scene.get().playing) start();
  return box;
}

function goHereButton(app) {
  const move = () => {
    const frames = app.scene.get().frames;
    if (frames.every(Boolean))
      setLatents(
        app,
        frames.map(({ z }) => z),
      );
  };
  return button("Go to t", move, { title: "Move the sliders and the map to the latent vector at t" });
}

function swapButton(app) {
  const swap = () => app.store.set({ a: app.store.get().b, b: app.store.get().a });
  return button("⇄", swap, {
    class: "button small swap",
    "aria-label": "Swap A and B",
    title: "Swap A and B",
  });
}

function saveButton(app, panels, format) {
  const saveAll = async () => {
    for (const { m, chosen, all } of panels) {
      const z = format === "png" ? chosen() : all();
      if (!z) continue;
      const { label } = app.store.get();
      const blob = await app.backend.strip(m, { z, label, format, fps: Math.min(50, z.length / SECONDS) });
      save(blob, `interpolation${panels.length > 1 ? `-${"ABCD"[m]}` : ""}.${format}`);
    }
  };
  return button(`Save ${format.toUpperCase()}`, () => saveAll().catch(app.showError), { class: "button small" });
}

const endOf = (end, m) => ("index" in end ? end : { z: end.z[m] });
const every = (latents, n) => latents.filter((_, k) => k % n === 0);
/** The t of the image of the strip at a share of its width. */
const nearest = (share, steps) => Math.min(Math.floor(share * steps), steps - 1) / (steps - 1);
