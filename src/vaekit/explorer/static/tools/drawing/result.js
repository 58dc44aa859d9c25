/** What one model makes of a drawn image: reconstruction, terms of the bound, and fillings of what is wiped out. */
import { button, el, nice } from "../../dom.js";
import { lane } from "../../model_panel.js";
import { latest } from "../../latest.js";
import { frame, fromBase64, show } from "../../image.js";
import { go } from "../../latent_navigation.js";
import { bars } from "./elbo_bars.js";
import { sheet } from "./image.js";
import { packed } from "./run_length.js";

const FILLINGS = 6;
const SETTLED = 250; // milliseconds that a drawing rests before what is wiped out is filled

/** @param {import("../../types.js").App} app @param {import("../../types.js").Model} model */
export function answerLane(app, model) {
  const { m, info } = model;
  const reconstruction = frame("Reconstruction", { class: "picture medium" });
  const terms = el("div", { class: "terms" });
  const guess = el("p", { class: "note" });
  const weight = el("p", { class: "note" });
  const fillings = frame("Ways to fill what is wiped out", { class: "picture strip" });
  let answer = null;
  let asked = null;
  let seed = 0;
  let rest = 0;

  const here = button("Look here", () => answer && go(app, m, answer.z), {
    class: "button small",
    title: "Let the posterior mean be the code that sliders and map show",
  });
  const again = button("Fill again", () => (seed++, fill(asked)), { class: "button small" });
  const filled = el(
    "div",
    { class: "filled", hidden: true },
    el("div", { class: "row spread" }, el("h4", {}, "Imputations"), again),
    fillings,
    weight,
  );
  const result = el(
    "div",
    { class: "result", hidden: true },
    el("div", { class: "moving" }, reconstruction, here),
    el("div", { class: "stack" }, terms, guess),
  );

  async function ask(wish) {
    const { label, kind } = app.store.get();
    asked = { ...wish, label };
    answer = await app.backend.encode(m, { ...asked, kind });
    show(reconstruction, await fromBase64(answer.reconstruction));
    terms.replaceChildren(bars(answer.terms));
    guess.textContent = guessed(info, answer.label);
    mark("sketched", { xy: answer.xy, ellipse: answer.ellipse });
    mark("seenAs", runsOf(await fromBase64(answer.image), info.shape));
    result.hidden = false;
    filled.hidden = !asked.mask;
    clearTimeout(rest);
    if (asked.mask) rest = setTimeout(fill, SETTLED, asked);
  }

  const fill = latest(async (wish) => {
    const { picture, ess, draws } = await app.backend.impute(m, { ...wish, n: FILLINGS, seed });
    show(fillings, picture);
    weight.textContent = `Resampled from ${draws} posterior draws, of which ${nice(ess)} carry the weight.`;
  }, app.fail);

  function clear() {
    result.hidden = filled.hidden = true;
    mark("sketched", null);
    mark("seenAs", null);
  }

  const mark = (key, value) =>
    app.scene.set({ [key]: app.scene.get()[key].map((old, k) => (k === m ? value : old)) });
  const box = lane(app, model, result, filled);
  return { box, ask, clear };
}

/** The image as the model sees it, as runs of bytes. */
function runsOf(picture, shape) {
  const [, height, width] = shape;
  if (picture.width !== width || picture.height !== height) return null;
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const image = sheet(shape);
  image.read(context);
  return packed(image.levels);
}

/** What the model takes the image's class to be, where it says so. */
function guessed({ condition }, probabilities) {
  if (!probabilities || !condition) return "";
  const best = probabilities.indexOf(Math.max(...probabilities));
  return `Most probable class: ${condition.values[best]} (${Math.round(100 * probabilities[best])} %)`;
}
