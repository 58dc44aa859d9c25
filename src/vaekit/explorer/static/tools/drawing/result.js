/** The result of one model for a drawing: reconstruction, terms of the bound, and imputations of the masked part. */
import { button, el, formatNumber } from "../../dom.js";
import { fromBase64, imageCanvas, show } from "../../image.js";
import { latest } from "../../latest.js";
import { setLatent, shownMap } from "../../latent_navigation.js";
import { isShown, modelPanel } from "../../model_panel.js";
import { elboBars } from "./elbo_bars.js";
import { drawableImage } from "./image.js";
import { encodeRuns } from "./run_length.js";

const IMPUTATIONS = 6;
const DELAY = 250; // milliseconds that a drawing rests before its masked part is imputed

/** @param {import("../../types.js").App} app @param {import("../../types.js").Model} model */
export function resultPanel(app, model) {
  const { m, info } = model;
  const reconstruction = imageCanvas("Reconstruction", { class: "picture wide" });
  const terms = el("div", { class: "terms" });
  const predictedClass = el("p", { class: "note" });
  const sampleSize = el("p", { class: "note" });
  const imputations = Array.from({ length: IMPUTATIONS }, (_, k) =>
    imageCanvas(`Imputation ${k + 1} of the masked part`, { class: "picture" }),
  );
  let answer = null;
  let input = null;
  let seed = 0;
  let timer = 0;

  const goHere = button("Go to mean", () => answer && setLatent(app, m, answer.z), {
    class: "button small",
    title: "Move the sliders and the map to the posterior mean",
  });
  const repeat = button("Impute again", () => (seed++, impute(input)), { class: "button small" });
  const imputationBox = el(
    "div",
    { class: "imputations", hidden: true },
    el("div", { class: "row spread" }, el("h3", {}, "Imputations", app.models.length > 1 ? el("span", { class: "of-model" }, ` of ${model.name}`) : null), repeat),
    el("div", { class: "tiles three" }, ...imputations),
    sampleSize,
  );
  const result = el("div", { class: "result", hidden: true }, reconstruction, terms, predictedClass, goHere);

  async function encode(drawn) {
    if (!isShown(app, m)) return;
    const { label } = app.store.get();
    input = { ...drawn, label };
    answer = await app.backend.encode(m, { ...input, ...shownMap(app, model) });
    show(reconstruction, await fromBase64(answer.reconstruction));
    terms.replaceChildren(elboBars(answer.terms, { masked: answer.masked }));
    predictedClass.textContent = describeClass(info, answer.label_probabilities);
    setScene("encoded", { xy: answer.xy, ellipse: answer.ellipse });
    setScene("masks", input.mask ? encodeRuns(fromBase64Bytes(input.mask)) : null);
    setScene("observed", runsOf(await fromBase64(answer.image), info.shape));
    result.hidden = false;
    imputationBox.hidden = !input.mask;
    clearTimeout(timer);
    if (input.mask) timer = setTimeout(impute, DELAY, input);
  }

  const impute = latest(async (masked) => {
    const { picture, ess, samples } = await app.backend.impute(m, { ...masked, n: IMPUTATIONS, seed });
    imputations.forEach((canvas, k) => show(canvas, picture, k, IMPUTATIONS));
    setScene("imputed", seed);
    sampleSize.textContent = `Resampled from ${samples} posterior samples; effective sample size ${formatNumber(ess)}.`;
  }, app.showError);

  function clear() {
    result.hidden = imputationBox.hidden = true;
    setScene("encoded", null);
    setScene("observed", null);
  }

  const setScene = (key, value) =>
    app.scene.set({ [key]: app.scene.get()[key].map((old, k) => (k === m ? value : old)) });
  const box = modelPanel(app, model, result);
  return { box, imputations: imputationBox, encode, clear };
}

const fromBase64Bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The image as the model sees it, run-length encoded. */
function runsOf(picture, shape) {
  const [, height, width] = shape;
  if (picture.width !== width || picture.height !== height) return null;
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const image = drawableImage(shape);
  image.read(context);
  return encodeRuns(image.levels);
}

/** The most probable class of the image, if the model infers one. */
function describeClass({ condition }, probabilities) {
  if (!probabilities || !condition) return "";
  const best = probabilities.indexOf(Math.max(...probabilities));
  return `Most probable class: ${condition.names[best]} (${Math.round(100 * probabilities[best])}%)`;
}
