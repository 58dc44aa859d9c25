/** What belongs to one model: with several, each part has a title, and a part of a model that is not shown is hidden. */
import { el } from "./dom.js";

/**
 * The part of a tool that belongs to one model.
 *
 * @param {import("./types.js").App} app
 * @param {import("./types.js").Model} model
 * @param {...(Node|null)} children
 */
export function modelPanel(app, model, ...children) {
  const title =
    app.models.length > 1 ? el("h3", { class: "model-panel-title", title: model.name }, model.name) : null;
  const box = el("section", { class: "model-panel", role: "group", "aria-label": model.name }, title, ...children);
  return followShown(app, model.m, box);
}

/** Whether a model is shown; all are if the state names none. */
export function isShown(app, m) {
  const { show } = app.store.get();
  return !show.length || show.includes(m);
}

/** Hide an element while its model is not shown. */
export function followShown(app, m, box) {
  const refresh = () => (box.hidden = !isShown(app, m));
  app.store.on(["show"], refresh);
  refresh();
  return box;
}
