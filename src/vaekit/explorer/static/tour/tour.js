/** The guided tour: a strip over the map with a title, a sentence, and the way on. */
import { button, el } from "../dom.js";
import { readAddress } from "../state.js";
import { isTour, STEPS } from "./steps.js";

const REST = 900; // milliseconds that a path is shown before it plays

/**
 * @param {import("../types.js").App} app
 * @param {HTMLElement} strip
 * @param {import("../types.js").State} initial
 * @returns {HTMLElement|null} the button that starts the tour; null if the models are not those of the tour
 */
export function tour(app, strip, initial) {
  const infos = app.models.map(({ info }) => info);
  if (!isTour(infos)) return null;
  const go = (step) => {
    app.scene.set({ ellipses: infos.map(() => null), place: null });
    app.store.set({ point: null }); // so that the point of the step moves the latent vectors
    app.store.set({ ...initial, ...(step ? readAddress(`tour=${step}`, infos) : {}) });
  };
  const back = button("Back", () => go(app.store.get().tour - 1));
  const next = button("Next", () => go(app.store.get().tour + 1), { class: "button primary" });
  const end = button("End", () => go(null), { title: "End the tour" });
  const count = el("p", { class: "tour-count number" });
  const title = el("h2", {});
  const text = el("p", {});
  const words = el("div", { role: "status" }, title, text);
  strip.append(count, words, el("div", { class: "row" }, back, next, end));

  let timer = 0;
  function show({ tour: step }) {
    const found = STEPS[step - 1];
    strip.hidden = !found;
    if (!found) return;
    count.textContent = `${step} / ${STEPS.length}`;
    title.textContent = found.title;
    text.textContent = found.text;
    back.disabled = step === 1;
    next.disabled = step === STEPS.length;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    clearTimeout(timer);
    app.scene.set({ playing: false });
    if (found.play && !still) timer = setTimeout(() => app.scene.set({ playing: true }), REST);
  }

  app.store.on(["tour"], show);
  show(app.store.get());
  return button("Tour", () => go(1), { title: "What a VAE is, in eight steps" });
}
