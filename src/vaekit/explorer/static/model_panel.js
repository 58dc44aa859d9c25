/** The part of a tool that belongs to one model; with two models, each has a titled panel. */
import { el } from "./dom.js";

/**
 * @param {import("./types.js").App} app
 * @param {import("./types.js").Model} model
 * @param {...(Node|null)} children
 */
export function modelPanel(app, model, ...children) {
  const title =
    app.models.length > 1 ? el("h3", { class: "model-panel-title", title: model.name }, model.name) : null;
  return el("section", { class: "model-panel", "aria-label": model.name }, title, ...children);
}
