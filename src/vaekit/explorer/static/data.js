/** What the maps need from the backend, asked when the state calls for it. */

import { latest } from "./latest.js";

const PATIENCE = 3000; // milliseconds between questions for values that are still worked out
const SETTLED = 150; // milliseconds that the camera rests before the backdrop is decoded anew

/** @param {import("./types.js").App} app @param {Object[]} maps */
export function follow(app, maps) {
  const each = (work) => Promise.all(app.models.map((model, k) => work(model, maps[k]))).catch(app.fail);

  async function points() {
    await each(async (model, map) => {
      const { kind } = app.store.get();
      model.points = await app.backend.map(model.m, kind);
      map.show();
      map.dress({ density: null, backdrop: null });
    });
    app.scene.set({ loaded: app.scene.get().loaded + 1 });
    backdrop();
    await Promise.all([density(), posterior()]);
  }

  const density = () =>
    app.store.get().density &&
    each(async ({ m }, map) => map.dress({ density: await app.backend.density(m, app.store.get().kind) }));

  const askBackdrop = latest(
    ({ kind, label }) =>
      each(async ({ m }, map) => {
        const square = map.square();
        const given = label === null ? {} : { label };
        map.dress({
          backdrop: { picture: await app.backend.backdrop(m, { kind, ...square, ...given }), square },
        });
      }),
    app.fail,
  );

  let rest = 0;
  function backdrop() {
    clearTimeout(rest);
    const state = app.store.get();
    if (state.backdrop && !Array.isArray(state.label)) rest = setTimeout(askBackdrop, SETTLED, state);
  }

  const posterior = () =>
    app.store.get().point !== null &&
    each(async ({ m }) => {
      const { ellipse } = await app.backend.point(m, app.store.get().point, app.store.get().kind);
      app.scene.set({ ellipses: app.scene.get().ellipses.map((old, k) => (k === m ? ellipse : old)) });
    });

  async function values() {
    await each(async (model, map) => {
      if (!model.points || model.points.log_likelihood || !model.info.is_bound) return;
      model.points.log_likelihood = (await app.backend.values(model.m)).log_likelihood;
      if (model.points.log_likelihood) map.recolour();
    });
    app.scene.set({ loaded: app.scene.get().loaded + 1 });
    if (awaited(app)) setTimeout(values, PATIENCE);
  }

  app.store.on(["kind"], () => (app.store.set({ camera: app.models.map(() => null) }), points()));
  app.store.on(["density"], density);
  app.store.on(["backdrop", "label", "camera"], backdrop);
  return async () => {
    await points();
    if (awaited(app)) setTimeout(values, PATIENCE);
  };
}

const awaited = (app) =>
  app.models.some(({ info, points }) => info.is_bound && points && !points.log_likelihood);
