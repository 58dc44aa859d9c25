/** Load what the maps need from the backend when the state requires it. */
import { latest } from "./latest.js";
import { labelFor } from "./latent_navigation.js";

const POLLING = 3000; // milliseconds between requests for log-likelihoods that are still estimated
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
      model.points = await backend.map(model.m, store.get().kind);
      map.show();
      map.setLayers({ density: null, backdrop: null });
    });
    count("loaded");
    backdrop();
    await Promise.all([density(), posterior()]);
    if (isIncomplete(models)) setTimeout(values, POLLING);
  }

  async function density() {
    const { density: shown, kind } = store.get();
    if (shown) await each(async ({ m }, map) => map.setLayers({ density: await backend.density(m, kind) }));
  }

  const loadBackdrop = latest(
    ({ kind, label }) =>
      each(async ({ m }, map) => {
        const square = map.square();
        const condition = label === null ? {} : { label };
        map.setLayers({
          backdrop: { picture: await backend.backdrop(m, { kind, ...square, ...condition }), square },
        });
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
    const { point, kind, z } = store.get();
    if (point === null || scene.get().ellipses.some(Boolean)) return;
    const answers = await each(({ m }) => backend.point(m, point, kind));
    scene.set({ ellipses: answers.map(({ ellipse }) => ellipse) });
    if (z.flat().some((value) => value !== 0)) return;
    store.set({ z: answers.map((answer) => answer.z), label: labelFor(app, answers[0].label) });
  }

  async function values() {
    await each(async (model, map) => {
      if (!isIncomplete([model])) return;
      model.points.log_likelihood = (await backend.values(model.m)).log_likelihood;
      if (model.points.log_likelihood) map.recolor();
    }).catch(app.showError);
    count("valued");
    if (isIncomplete(models)) setTimeout(values, POLLING);
  }

  const reporting = (work) => () => work().catch(app.showError);
  store.on(["kind"], () => {
    scene.set({ ellipses: models.map(() => null) });
    store.set({ camera: models.map(() => null) });
    reporting(load)();
  });
  store.on(["density"], reporting(density));
  store.on(["point"], reporting(posterior));
  store.on(["backdrop", "label", "camera"], backdrop);
  return load;
}

const isIncomplete = (models) =>
  models.some(({ info, points }) => info.is_bound && points && !points.log_likelihood);
