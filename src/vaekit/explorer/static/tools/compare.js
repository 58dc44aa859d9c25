/**
 * The same image through all models: the image, what each makes of it, and the terms of each bound with their difference
 * from the first model; below, the mean differences over all images with 95 % intervals.
 *
 * The difference is image by image, so what makes an image hard for all models cancels.
 */
import { el, formatNumber, one } from "../dom.js";
import { clear, imageCanvas, show } from "../image.js";
import { labelFor, shownMap } from "../latent_navigation.js";
import { latest } from "../latest.js";

const NORMAL = 1.96; // standard errors on each side of a 95 % interval of many images
const TERMS = [
  ["reconstruction", "log p(x|z)"],
  ["kl", "KL"],
  ["log_likelihood", "log p(x)"],
];

/** @param {import("../types.js").App} app */
export function comparison(app) {
  const original = imageCanvas("Image of the data", { class: "picture end" });
  const pictures = app.models.map(({ name }) => imageCanvas(`Reconstruction by ${name}`, { class: "picture end" }));
  const title = el("h3", {}, "");
  const single = el("table", { class: "compared" });
  const all = el("table", { class: "compared" });
  const note = el("p", { class: "note" });
  const same = app.models.map(({ info }) => info.images_key === app.models[0].info.images_key);
  let index = null;

  const draw = latest(async (i) => {
    show(original, await app.backend.image(0, i));
    for (const model of app.models) {
      if (!same[model.m]) {
        clear(pictures[model.m]);
        continue;
      }
      const { kind, dims } = shownMap(app, model);
      const { z, label } = await app.backend.point(model.m, i, kind, dims);
      show(pictures[model.m], await app.backend.decode(model.m, [z], labelFor(app, label), "compare"));
    }
  }, app.showError);

  function chosen() {
    const { point } = app.store.get();
    return point ?? app.scene.get().near?.[0]?.index?.[0] ?? 0;
  }

  function refresh() {
    if (app.store.get().tool !== "compare") return;
    const i = chosen();
    title.textContent = `${one(app.models[0].info).replace(/^./, (letter) => letter.toUpperCase())} ${i} through each model`;
    if (i !== index) draw((index = i));
    single.replaceChildren(head("nats, and the difference from the first"), ...app.models.map((model) => row(model, i)));
    all.replaceChildren(
      head("mean difference from the first over all, with its 95 % interval"),
      ...app.models.slice(1).map(meanRow),
    );
    const others = app.models.filter(({ m }) => !same[m]).map(({ name }) => name);
    note.textContent = others.length
      ? `Not compared, since they show other images: ${others.join("; ")}.`
      : "Differences are image by image. An interval over images is of these trained models; another seed may differ.";
  }

  const value = (model, key, i) => (same[model.m] && hasBound(model, key) ? model.points?.[key]?.[i] : null);

  function row(model, i) {
    const cells = TERMS.map(([key]) => {
      const found = value(model, key, i);
      const first = value(app.models[0], key, i);
      const gap = model.m && Number.isFinite(found) && Number.isFinite(first) ? found - first : null;
      return el("td", {}, el("span", {}, formatNumber(found)), gap === null ? null : el("small", {}, signed(gap)));
    });
    return el("tr", {}, el("th", { scope: "row", title: model.name }, pictures[model.m], letter(model)), ...cells);
  }

  function meanRow(model) {
    const cells = TERMS.map(([key]) => {
      const found = meanDifference(model, key);
      if (!found) return el("td", {}, "–");
      const [mean, half] = found;
      const clear_ = Math.abs(mean) > half;
      const ends = `${signed(mean - half)} to ${signed(mean + half)}`;
      return el("td", { class: clear_ ? "clear" : "" }, el("span", {}, signed(mean)), el("small", {}, ends));
    });
    return el("tr", {}, el("th", { scope: "row", title: model.name }, letter(model)), ...cells);
  }

  /** The mean of a term minus that of the first model, image by image, and half of its interval. */
  function meanDifference(model, key) {
    const [one_, other] = [app.models[0], model].map((m) => (hasBound(m, key) ? m.points?.[key] : null));
    if (!same[model.m] || !one_ || !other) return null;
    const gaps = Array.from(other, (v, i) => v - one_[i]).filter(Number.isFinite);
    if (gaps.length < 2) return null;
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / (gaps.length - 1);
    return [mean, NORMAL * Math.sqrt(variance / gaps.length)];
  }

  app.store.on(["tool", "point"], refresh);
  app.scene.on(["near", "loaded", "valued"], refresh);
  refresh();
  return el(
    "div",
    {},
    el("div", { class: "row" }, original, title),
    el("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": "Terms of one image" }, single),
    el("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": "Mean differences" }, all),
    note,
  );
}

const hasBound = ({ info }, key) => info.is_bound || key === "reconstruction";
const signed = (number) => `${number > 0 ? "+" : ""}${formatNumber(number, 2)}`;
const letter = ({ name }) => el("span", {}, name.split(" · ")[0]);

function head(caption) {
  return el(
    "thead",
    {},
    el("tr", {}, el("td", { colspan: 4, class: "caption" }, caption)),
    el("tr", {}, el("th", { scope: "col" }, "model"), ...TERMS.map(([, name]) => el("th", { scope: "col" }, name))),
  );
}
