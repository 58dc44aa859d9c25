/** A short hint on the map for the first visit, until it is closed or the first latent vector is chosen. */
import { button, el } from "./dom.js";
import { recall, remember } from "./theme.js";

/** @param {import("./types.js").App} app @param {HTMLElement} stage */
export function hint(app, stage) {
  if (recall("hint-seen")) return;
  const close = () => (remember("hint-seen", "1"), box.remove());
  const text = matchMedia("(pointer: coarse)").matches
    ? "Slide a finger anywhere to decode that point. Lift it to select; zoom with two fingers."
    : "Hover anywhere to decode that point. Click to select, drag to pan, scroll to zoom.";
  const box = el(
    "div",
    { class: "hint" },
    el("p", {}, text),
    button("Got it", close, { class: "button small" }),
  );
  stage.append(box);
  app.store.on(["z"], close);
}
