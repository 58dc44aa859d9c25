/** The tool Select: search, filters, a lasso; and what is chosen, with its files. */
import { button, el, formatNumber, save } from "../dom.js";
import { fromBase64, imageCanvas, show } from "../image.js";
import { latest } from "../latest.js";
import { setLatent } from "../latent_navigation.js";
import { classColor } from "../map/colors.js";
import { isDark } from "../theme.js";
import { maskOf } from "./chosen.js";
import { contactSheet, sheetPicture } from "./contact_sheet.js";
import { histograms } from "./histograms.js";
import { classRows, latentRows } from "./latents.js";

const DELAY = 200; // milliseconds that the choice rests before it is summarized
const HINT = "Draw a lasso or a rectangle on the map, drag over a histogram, or search. Shift and drag draws a rectangle at any time.";

/** @param {import("../types.js").App} app */
export function selectionPanel(app) {
  const result = resultBox(app);
  return el(
    "div",
    { class: "selection" },
    el("div", { class: "group" }, searchBox(app), drawButtons(app)),
    result,
    el("h4", {}, "Filters"),
    histograms(app),
  );
}

function searchBox(app) {
  const wrong = el("p", { class: "note wrong", role: "status" });
  const input = el("input", {
    type: "search",
    class: "search",
    "aria-label": "Search the data",
    placeholder: "class, #index, or kl > 20 and class = 7",
    value: app.store.get().query,
    oninput: () => app.store.set({ query: input.value }),
  });
  app.store.on(["query"], ({ query }) => input.value !== query && (input.value = query));
  app.scene.on(["chosen"], () => (wrong.textContent = app.chosen.error ?? ""));
  return el("div", { class: "search-box" }, input, wrong);
}

function drawButtons(app) {
  const mode = (key, name) => {
    const box = button(name, () => app.scene.set({ drawing: app.scene.get().drawing === key ? null : key }), {
      class: "button small",
      "aria-pressed": "false",
    });
    app.scene.on(["drawing"], ({ drawing }) => box.setAttribute("aria-pressed", String(drawing === key)));
    return box;
  };
  const clear = button("Clear all", () => app.store.set({ region: null, filters: {}, query: "" }), { class: "button small" });
  app.scene.on(["chosen"], () => (clear.disabled = !app.chosen.active));
  return el("div", { class: "row" }, mode("lasso", "Lasso"), mode("rectangle", "Rectangle"), clear);
}

function resultBox(app) {
  const [{ info }] = app.models;
  const hint = el("p", { class: "note" }, HINT);
  const count = el("p", { class: "count", role: "status" });
  const sheet = contactSheet(app);
  const picture = imageCanvas("Mean of the chosen images", { class: "picture medium" });
  const decoded = imageCanvas("Decoded mean of their latents", { class: "picture medium" });
  const numbers = el("table", { class: "bars numbers-table" });
  const classes = el("div", {});
  const latents = el("div", {});
  let summary = null;
  const goHere = button("Go to their mean", () => summary && setLatent(app, 0, summary.mean), { class: "button small" });
  const body = el(
    "div",
    { class: "group", hidden: true },
    el("div", { class: "row" }, ...saveButtons(app)),
    sheet.box,
    el("div", { class: "means" }, captioned(picture, "mean image"), captioned(decoded, "decoded mean"), el("div", { class: "stack" }, goHere)),
    classes,
    numbers,
    latents,
  );

  const summarize = latest(async () => {
    if (!app.chosen.n) return;
    summary = await app.backend.summary(0, maskOf(app.chosen));
    show(picture, await fromBase64(summary.image));
    show(decoded, await app.backend.decode(0, [summary.mean], app.store.get().label, "selection"));
    latents.replaceChildren(latentRows(info.latents, summary));
  }, app.showError);

  let timer = 0;
  function refresh() {
    const { active, n, level } = app.chosen;
    const shown = active && app.store.get().tool === "select";
    hint.hidden = active;
    body.hidden = !active || !n;
    count.textContent = active ? `${n.toLocaleString("en")} of ${level.length.toLocaleString("en")} ${info.noun}` : "";
    clearTimeout(timer);
    if (shown && n) timer = setTimeout(fill, DELAY);
  }

  function fill() {
    const { points } = app.models[0];
    const dark = isDark();
    if (points.label && info.classes)
      classes.replaceChildren(classRows(info.classes, points.label, app.chosen.level, (k) => classColor(k, info.classes.length, dark)));
    numbers.replaceChildren(...numberRows(app.chosen));
    sheet.refresh();
    summarize();
  }

  app.scene.on(["chosen"], refresh);
  app.store.on(["tool", "label"], refresh);
  return el("div", { class: "group" }, hint, count, body);
}

const captioned = (picture, text) => el("figure", { class: "captioned" }, picture, el("figcaption", { class: "note" }, text));

/** Mean and standard deviation of each number, of the chosen images and of all. */
function numberRows({ columns, level }) {
  const head = el("tr", {}, ...["", "selection", "all"].map((text) => el("th", { scope: "col" }, text)));
  const rows = columns.map(({ short, values, digits }) => {
    const cells = [2, 0].map((least) => {
      const { mean, std } = moments(values, level, least);
      return el("td", { class: "number" }, `${formatNumber(mean, digits)} ± ${formatNumber(std, digits)}`);
    });
    return el("tr", {}, el("th", { scope: "row" }, short), ...cells);
  });
  return [head, ...rows];
}

function moments(values, level, least) {
  let [n, sum, squares] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    if (level[i] < least || !Number.isFinite(values[i])) continue;
    n++;
    sum += values[i];
    squares += values[i] ** 2;
  }
  return { mean: n ? sum / n : NaN, std: n ? Math.sqrt(Math.max(squares / n - (sum / n) ** 2, 0)) : NaN };
}

function saveButtons(app) {
  const saving = (name, extension, make) =>
    button(
      name,
      async () => {
        const { n } = app.chosen;
        await make()
          .then((blob) => save(blob, `selection-${n}.${extension}`))
          .catch(app.showError);
      },
      { class: "button small" },
    );
  return [
    saving("Save CSV", "csv", () => app.backend.exported(0, maskOf(app.chosen), "csv")),
    saving("Save NPZ", "npz", () => app.backend.exported(0, maskOf(app.chosen), "npz")),
    saving("Save PNG", "png", () => sheetPicture(app)),
  ];
}
