/** Histograms of the numbers, each a filter: drag over one to keep a range, and the others show what passes. */
import { button, el, formatNumber } from "../dom.js";
import { canvasStyle, onTheme } from "../theme.js";
import { BINS } from "./crossfilter.js";

const HEIGHT = 46; // pixels

/** @param {import("../types.js").App} app */
export function histograms(app) {
  const box = el("div", { class: "histograms" });
  let parts = [];
  let known = null;
  let pending = false;

  function draw() {
    pending = false;
    const { filter, columns } = app.chosen;
    if (!filter || !box.isConnected || !box.offsetParent) return;
    if (known !== filter) {
      known = filter;
      parts = columns.map((column, k) => histogram(app, column, filter.scales[k]));
      box.replaceChildren(...parts.map((part) => part.box));
    }
    const passing = filter.counts();
    parts.forEach((part, k) => part.draw(filter.totals[k], passing[k]));
  }

  const redraw = () => {
    if (!pending) requestAnimationFrame(draw);
    pending = true;
  };
  app.scene.on(["chosen"], redraw);
  app.store.on(["tool"], redraw);
  new ResizeObserver(redraw).observe(box);
  onTheme(redraw);
  return box;
}

function histogram(app, column, [low, high]) {
  const { key, name, unit, digits } = column;
  const canvas = el("canvas", { class: "histogram", role: "img", "aria-label": `Histogram of ${name}` });
  const width = high - low;
  const set = (range) => {
    const { [key]: _, ...others } = app.store.get().filters;
    app.store.set({ filters: range ? { ...others, [key]: range } : others });
  };
  const range = () => app.store.get().filters[key] ?? null;
  const end = (k, label) =>
    el("input", {
      type: "number",
      step: "any",
      "aria-label": `${name}, ${label}`,
      placeholder: formatNumber([low, high][k], digits),
      onchange: ({ target }) => {
        const next = [...(range() ?? [-1e6, 1e6])];
        next[k] = target.value === "" ? [-1e6, 1e6][k] : Number(target.value);
        set(next[0] <= -1e6 && next[1] >= 1e6 ? null : next);
      },
    });
  const inputs = [end(0, "from"), end(1, "to")];
  const clear = button("×", () => set(null), { class: "clear", "aria-label": `Clear the filter of ${name}`, disabled: true });

  brush(canvas, (from, to) => set(to - from < 0.01 ? null : [low + from * width, low + to * width]));
  return {
    box: el(
      "div",
      { class: "histogram-box", role: "group", "aria-label": name },
      el("div", { class: "row spread" }, el("span", { class: "name" }, name, unit ? el("small", {}, ` ${unit}`) : null), clear),
      canvas,
      el("div", { class: "row spread" }, ...inputs),
    ),
    draw(totals, passing) {
      const now = range();
      clear.disabled = !now;
      inputs.forEach((input, k) => {
        const bounded = now && Math.abs(now[k]) < 1e6;
        if (document.activeElement !== input) input.value = bounded ? Number(now[k].toFixed(digits)) : "";
      });
      drawBars(canvas, totals, passing, now && now.map((value) => (value - low) / width));
    },
  };
}

/** All values in gray, and on top those that pass; the range between two lines. */
function drawBars(canvas, totals, passing, range) {
  const ratio = Math.min(devicePixelRatio || 1, 2);
  const wide = canvas.clientWidth || 1;
  Object.assign(canvas, { width: Math.round(wide * ratio), height: Math.round(HEIGHT * ratio) });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const look = canvasStyle(canvas);
  const largest = Math.max(...totals, 1);
  const tall = (count) => (count ? Math.max((count / largest) * (HEIGHT - 2), 1) : 0);
  const step = wide / BINS;
  for (const [counts, color] of [
    [totals, look.axis],
    [passing, look.accent],
  ]) {
    context.fillStyle = color;
    for (let k = 0; k < BINS; k++) context.fillRect(k * step, HEIGHT - tall(counts[k]), Math.max(step - 1, 1), tall(counts[k]));
  }
  if (!range) return;
  const [from, to] = range.map((share) => Math.min(Math.max(share, 0), 1) * wide);
  context.fillStyle = look.ink;
  context.globalAlpha = 0.08;
  context.fillRect(from, 0, to - from, HEIGHT);
  context.globalAlpha = 1;
  for (const at of [from, to]) context.fillRect(Math.min(Math.max(at - 1, 0), wide - 2), 0, 2, HEIGHT);
}

/** Drag from one share of the width to another; a click clears. */
function brush(canvas, changed) {
  let start = null;
  const at = (event) => Math.min(Math.max(event.offsetX / canvas.clientWidth, 0), 1);
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    start = at(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (start !== null) changed(Math.min(start, at(event)), Math.max(start, at(event)));
  });
  const lift = (event) => {
    if (start !== null) changed(Math.min(start, at(event)), Math.max(start, at(event)));
    start = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", () => (start = null));
}
