/** A few words for the first visit, on the map, until they were read or the first place is chosen. */
import { button, el } from "./dom.js";
import { recall, remember } from "./theme.js";

/** @param {import("./types.js").App} app @param {HTMLElement} stage */
export function hint(app, stage) {
  if (recall("hinted")) return;
  const close = () => (remember("hinted", "1"), box.remove());
  const words = matchMedia("(pointer: coarse)").matches
    ? "Slide a finger over the map: every place decodes to an image. Lift it to keep one; two fingers zoom."
    : "Move over the map: every place decodes to an image. Click to keep one, drag to pan, scroll to zoom.";
  const box = el(
    "div",
    { class: "hint" },
    el("p", {}, words),
    button("Got it", close, { class: "button small" }),
  );
  stage.append(box);
  app.store.on(["z"], close);
}
