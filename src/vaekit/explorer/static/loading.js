/** Load what the maps need from the backend when the state requires it. */
import { latest } from "./latest.js";
import { isBetween, labelFor, shownMap } from "./latent_navigation.js";
import { isShown } from "./model_panel.js";

const POLLING = 3000; // milliseconds between requests for log-likelihoods that are still estimated
const WAITING = 1000; // milliseconds between questions for a map that is computed
const SETTLED = 150; // milliseconds that the camera rests before the backdrop is decoded again

/**
 * @param {import("./types.js").App} app
 * @param {Object[]} maps  see map/map.js
 * @returns {() => Promise<void>} load  loads the points, and all that belongs to them
 */
export function follow(app, maps) {
  const { backend, store, scene, models } = app;
  const each = (work) => Promise.all(models.map((model, k) => work(model, maps[k])));
  const count = (key) => scene.set({ [key]: scene.get()[key] + 1 });

  async function load() {
    await each(async (model, map) => {
      const { kind, dims } = store.get();
      model.points = await backend.map(model.m, kind, dims);
      map.show();
      map.setLayers({ density: null, backdrop: null });
    });
    scene.set({ waiting: models.map(({ points }) => points.waiting) });
    if (scene.get().waiting.some(Boolean)) setTimeout(wait, WAITING);
    count("loaded");
    backdrop();
    await Promise.all([density(), posterior()]);
    if (isIncomplete(models)) setTimeout(values, POLLING);
  }

  /** Ask whether the maps that are computed are ready, and load them then; on an error, choose the default map. */
  async function wait() {
    const { kind, dims } = store.get();
    if (!scene.get().waiting.some((one) => one?.kind === kind && one.dims === dims)) return;
    try {
      const answers = await Promise.all(models.map(({ m }) => backend.waiting(m, kind, dims)));
      if (answers.every(({ waiting }) => !waiting)) return await changeMap();
      scene.set({ waiting: answers.map(({ waiting }) => waiting) });
      setTimeout(wait, WAITING);
    } catch (error) {
      scene.set({ waiting: models.map(() => null) });
      app.showError(error);
      store.set({ kind: models[0].info.projection.kind, dims: 2 });
    }
  }

  async function density() {
    const { density: shown } = store.get();
    if (shown)
      await each(async (model, map) => {
        const { kind, dims } = shownMap(app, model);
        map.setLayers({ density: dims === 2 ? await backend.density(model.m, kind) : null });
      });
  }

  const loadBackdrop = latest(
    ({ label }) =>
      each(async (model, map) => {
        const { kind, dims } = shownMap(app, model);
        if (!isShown(app, model.m)) return;
        if (dims === 3) return map.setLayers({ backdrop: null });
        const square = map.square();
        const condition = label === null ? {} : { label };
        const between = isBetween(app, model) ? "neighbors" : "plane";
        const picture = await backend.backdrop(model.m, { kind, ...square, between, ...condition });
        map.setLayers({ backdrop: { picture, square } });
      }),
    app.showError,
  );

  let timer = 0;
  function backdrop() {
    clearTimeout(timer);
    const state = store.get();
    if (state.backdrop && !Array.isArray(state.label)) timer = setTimeout(loadBackdrop, SETTLED, state);
  }

  /** The posterior of an image that the address names; without a latent vector, move to its mean. */
  async function posterior() {
    const { point, z } = store.get();
    if (point === null || scene.get().ellipses.some(Boolean)) return;
    const answers = await each((model) => {
      const { kind, dims } = shownMap(app, model);
      return backend.point(model.m, point, kind, dims);
    });
    scene.set({ ellipses: answers.map(({ ellipse }) => ellipse) });
    if (z.flat().some((value) => value !== 0)) return;
    store.set({ z: answers.map((answer) => answer.z), label: labelFor(app, answers[0].label) });
  }

  async function values() {
    await each(async (model, map) => {
      if (!isIncomplete([model])) return;
      const { log_likelihood, error } = await backend.values(model.m);
      Object.assign(model.points, { log_likelihood, error });
      if (error) map.recolor();
    }).catch(app.showError);
    count("valued");
    if (isIncomplete(models)) setTimeout(values, POLLING);
  }

  const reporting = (work) => () => work().catch(app.showError);
  async function changeMap() {
    scene.set({ ellipses: models.map(() => null) });
    store.set({ camera: models.map(() => null), region: null });
    await load();
  }

  store.on(["kind", "dims"], reporting(changeMap));
  store.on(["density"], reporting(density));
  store.on(["point"], reporting(posterior));
  store.on(["backdrop", "label", "camera", "between", "show"], backdrop);
  return load;
}

const isIncomplete = (models) =>
  models.some(({ points }) => points && !points.error);
