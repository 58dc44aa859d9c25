/** What the maps need from the backend, asked when the state calls for it. */
import { latest } from "./latest.js";
import { labelOf } from "./latent_navigation.js";

const PATIENCE = 3000; // milliseconds between questions for values that are still worked out
const SETTLED = 150; // milliseconds that the camera rests before the backdrop is decoded anew

/**
 * @param {import("./types.js").App} app
 * @param {Object[]} maps  see map/map.js
 * @returns {() => Promise<void>} load  asks for the points, and for all that belongs to them
 */
export function follow(app, maps) {
  const { backend, store, scene, models } = app;
  const each = (work) => Promise.all(models.map((model, k) => work(model, maps[k])));
  const count = (key) => scene.set({ [key]: scene.get()[key] + 1 });

  async function load() {
    await each(async (model, map) => {
      model.points = await backend.map(model.m, store.get().kind);
      map.show();
      map.dress({ density: null, backdrop: null });
    });
    count("loaded");
    backdrop();
    await Promise.all([density(), posterior()]);
    if (awaited(models)) setTimeout(values, PATIENCE);
  }

  async function density() {
    const { density: wanted, kind } = store.get();
    if (wanted) await each(async ({ m }, map) => map.dress({ density: await backend.density(m, kind) }));
  }

  const askBackdrop = latest(
    ({ kind, label }) =>
      each(async ({ m }, map) => {
        const square = map.square();
        const given = label === null ? {} : { label };
        map.dress({
          backdrop: { picture: await backend.backdrop(m, { kind, ...square, ...given }), square },
        });
      }),
    app.fail,
  );

  let rest = 0;
  function backdrop() {
    clearTimeout(rest);
    const state = store.get();
    if (state.backdrop && !Array.isArray(state.label)) rest = setTimeout(askBackdrop, SETTLED, state);
  }

  /** The posterior of an image that an address names; without a code, its mean is looked at. */
  async function posterior() {
    const { point, kind, z } = store.get();
    if (point === null || scene.get().ellipses.some(Boolean)) return;
    const answers = await each(({ m }) => backend.point(m, point, kind));
    scene.set({ ellipses: answers.map(({ ellipse }) => ellipse) });
    if (z.flat().some((value) => value !== 0)) return;
    store.set({ z: answers.map((answer) => answer.z), label: labelOf(app, answers[0].label) });
  }

  async function values() {
    await each(async (model, map) => {
      if (!awaited([model])) return;
      model.points.log_likelihood = (await backend.values(model.m)).log_likelihood;
      if (model.points.log_likelihood) map.recolor();
    }).catch(app.fail);
    count("valued");
    if (awaited(models)) setTimeout(values, PATIENCE);
  }

  const careful = (work) => () => work().catch(app.fail);
  store.on(["kind"], () => {
    scene.set({ ellipses: models.map(() => null) });
    store.set({ camera: models.map(() => null) });
    careful(load)();
  });
  store.on(["density"], careful(density));
  store.on(["point"], careful(posterior));
  store.on(["backdrop", "label", "camera"], backdrop);
  return load;
}

const awaited = (models) =>
  models.some(({ info, points }) => info.is_bound && points && !points.log_likelihood);
