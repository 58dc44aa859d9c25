/** Mean and spread of the latents of the chosen images, beside those of all: the latents that differ most come first. */
import { el, formatNumber } from "../dom.js";

const SHOWN = 8;

/**
 * @param {import("../types.js").Latent[]} latents
 * @param {{mean: number[], std: number[]}} chosen
 */
export function latentRows(latents, { mean, std }) {
  const order = latents
    .map(({ index, mean: all, std: spread }) => ({ index, gap: Math.abs(mean[index] - all) / Math.max(spread, 1e-6) }))
    .sort((a, b) => b.gap - a.gap)
    .map(({ index }) => index);
  const reach = Math.max(...latents.flatMap(({ index, mean: m, std: s }) => [Math.abs(m) + s, Math.abs(mean[index]) + std[index]]), 1e-6);
  const rows = order.map((j) => row(latents[j], mean[j], std[j], reach));
  const rest = rows.slice(SHOWN);
  const legend = el("p", { class: "note" }, "Mean ± standard deviation of the posterior means: the selection over all in gray.");
  return el(
    "div",
    { class: "latent-rows" },
    legend,
    ...rows.slice(0, SHOWN),
    rest.length ? el("details", {}, el("summary", {}, `${rest.length} more latents`), ...rest) : null,
  );
}

function row({ index, mean: all, std: spread }, mean, std, reach) {
  const share = (value) => `${(50 + (50 * value) / reach).toFixed(2)}%`;
  const bar = (kind, middle, half) => {
    const box = el("span", { class: kind });
    box.style.left = share(middle - half);
    box.style.width = `${((100 * half) / reach).toFixed(2)}%`;
    return box;
  };
  const dot = el("span", { class: "mean" });
  dot.style.left = share(mean);
  return el(
    "div",
    { class: "latent-row" },
    el("span", { class: "name" }, `z${index}`),
    el("span", { class: "track", "aria-hidden": "true" }, bar("all", all, spread), bar("chosen", mean, std), dot),
    el("span", { class: "number" }, `${formatNumber(mean, 2)} ± ${formatNumber(std, 2)}`),
  );
}

/** How many chosen images each class has. */
export function classRows(names, labels, level, colorOf) {
  const counts = new Uint32Array(names.length);
  for (let i = 0; i < level.length; i++) if (level[i] === 2 && labels[i] >= 0) counts[labels[i]]++;
  const largest = Math.max(...counts, 1);
  return el(
    "div",
    { class: "class-rows" },
    ...names.map((name, k) => {
      const bar = el("span", { class: "bar" });
      bar.style.setProperty("--share", counts[k] / largest);
      bar.style.background = colorOf(k);
      return el(
        "div",
        { class: "class-row" },
        el("span", { class: "name" }, name),
        el("span", { class: "wide" }, bar),
        el("span", { class: "number" }, counts[k].toLocaleString("en")),
      );
    }),
  );
}
