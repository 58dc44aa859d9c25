/**
 * The way from A to B: all its pictures come in one row, so that scrubbing and playing ask nothing more.
 *
 * Two models go the same way, each in its own latent space, at the same time.
 */
import { button, choice, el, save, slider } from "../dom.js";
import { lane } from "../model_panel.js";
import { latest } from "../latest.js";
import { frame } from "../image.js";
import { goAll, placeOf } from "../latent_navigation.js";
import { endBox, firstEnds } from "./endpoints.js";

const BETWEEN = 4; // pictures for each one that the strip shows
const SECONDS = 4; // for the whole way

/** @param {import("../types.js").App} app */
export function interpolation(app) {
  const lanes = app.models.map((model) => wayOf(app, model));
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
  const steps = slider("Pictures", {
    min: 3,
    max: 16,
    step: 1,
    digits: 0,
    value: app.store.get().steps,
    oninput: (value) => app.store.set({ steps: value }),
  });
  app.store.on(["path", "steps"], (state) => (path.choose(state.path), steps.put(state.steps)));
  const ask = latest((state) => Promise.all(lanes.map((one) => one.ask(state))), app.fail);
  const refresh = () => {
    const state = app.store.get();
    if (state.tool === "interpolate") firstEnds(app);
    if (state.tool === "interpolate" && state.a && state.b) ask(app.store.get());
  };
  app.store.on(["a", "b", "path", "steps", "label", "tool", "kind"], refresh);
  app.scene.on(["loaded"], refresh);
  return el(
    "div",
    {},
    el("div", { class: "ends" }, endBox(app, "a"), swapper(app), endBox(app, "b")),
    el(
      "div",
      { class: "group" },
      el("div", { class: "row spread" }, player(app), path, keepHere(app)),
      scrub,
    ),
    ...lanes.map(({ box }) => box),
    el(
      "div",
      { class: "group" },
      steps,
      el("div", { class: "row" }, keeper(app, lanes, "png"), keeper(app, lanes, "gif")),
    ),
  );
}

function wayOf(app, model) {
  const { m } = model;
  const strip = frame(`Pictures from A to B, ${model.name}`, { class: "picture strip" });
  /** @type {{codes: number[][], row: ImageBitmap, state: Object}|null} */
  let way = null;
  const at = (event) => Math.min(Math.max(event.offsetX / strip.clientWidth, 0), 1);
  strip.addEventListener("click", (event) => app.store.set({ t: nearest(at(event), way?.state.steps ?? 2) }));

  async function ask(state) {
    const count = BETWEEN * (state.steps - 1) + 1;
    const ends = { a: endOf(state.a, m), b: endOf(state.b, m) };
    const codes = await app.backend.interpolate(m, {
      ...ends,
      steps: count,
      path: state.path,
      label: state.label,
    });
    const row = await app.backend.decode(m, codes, state.label, "way");
    way = { codes, row, state };
    const places = codes.map((z) => placeOf(model, z));
    const path = places.every(Boolean) ? places : null;
    app.scene.set({ ways: app.scene.get().ways.map((old, k) => (k === m ? path : old)) });
    showStrip(strip, way);
    turn();
  }

  function turn() {
    if (!way) return;
    const { t, tool } = app.store.get();
    const n = way.codes.length;
    const k = Math.round(t * (n - 1));
    const film = tool === "interpolate" ? { row: way.row, k, n, z: way.codes[k], t } : null;
    app.scene.set({ films: app.scene.get().films.map((old, j) => (j === m ? film : old)) });
    shown.style.setProperty("--t", (0.5 + t * (way.state.steps - 1)) / way.state.steps);
  }

  app.store.on(["t", "tool"], turn);
  const shown = el("div", { class: "strip-box" }, strip);
  const box = lane(app, model, shown);
  return { box, ask, chosen: () => way && every(way.codes, BETWEEN), all: () => way?.codes, m };
}

/** The pictures that the strip shows, side by side. */
function showStrip(strip, { row, codes }) {
  const width = row.width / codes.length;
  const shown = every(codes, BETWEEN).length;
  Object.assign(strip, { width: width * shown, height: row.height });
  const context = strip.getContext("2d");
  for (let k = 0; k < shown; k++)
    context.drawImage(row, k * BETWEEN * width, 0, width, row.height, k * width, 0, width, row.height);
  strip.classList.add("shown");
}

function player(app) {
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
  return box;
}

function keepHere(app) {
  const keep = () => {
    const films = app.scene.get().films;
    if (films.every(Boolean))
      goAll(
        app,
        films.map(({ z }) => z),
      );
  };
  return button("Keep code", keep, { title: "Let the code at t be the one that sliders and map show" });
}

function swapper(app) {
  const swap = () => app.store.set({ a: app.store.get().b, b: app.store.get().a });
  return button("⇄", swap, {
    class: "button small swap",
    "aria-label": "Swap A and B",
    title: "Swap A and B",
  });
}

function keeper(app, lanes, form) {
  const keep = async () => {
    for (const { m, chosen, all } of lanes) {
      const z = form === "png" ? chosen() : all();
      if (!z) continue;
      const { label } = app.store.get();
      const blob = await app.backend.strip(m, { z, label, form, fps: Math.min(50, z.length / SECONDS) });
      save(blob, `interpolation${lanes.length > 1 ? `-${"AB"[m]}` : ""}.${form}`);
    }
  };
  return button(`Save ${form.toUpperCase()}`, () => keep().catch(app.fail), { class: "button small" });
}

const endOf = (end, m) => ("i" in end ? end : { z: end.z[m] });
const every = (codes, n) => codes.filter((_, k) => k % n === 0);
/** The place of the picture of the strip under a share of its width. */
const nearest = (share, steps) => Math.min(Math.floor(share * steps), steps - 1) / (steps - 1);
