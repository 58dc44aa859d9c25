/** A lane is the part of a tool that belongs to one model; of two models each has one, named. */
import { el } from "./dom.js";

/**
 * @param {import("./types.js").App} app
 * @param {import("./types.js").Model} model
 * @param {...(Node|null)} children
 */
export function lane(app, model, ...children) {
  const title =
    app.models.length > 1 ? el("h3", { class: "lane-title", title: model.name }, model.name) : null;
  return el("section", { class: "lane", "aria-label": model.name }, title, ...children);
}
