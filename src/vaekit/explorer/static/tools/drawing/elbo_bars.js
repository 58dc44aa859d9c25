/** The terms of the bound as bars from zero: ELBO = log p(x | z) - KL, in nats. */
import { el, formatNumber } from "../../dom.js";

/**
 * @param {{reconstruction: number, kl: number[]|null, elbo: number|null, log_likelihood: number|null}} terms
 * @param {{masked?: boolean, kl?: string}} [options]  whether the terms are those of the observed pixels, and of
 *   p(z | observed); and the name of the second term
 */
export function elboBars(terms, { masked = false, kl = "KL" } = {}) {
  const rows = rowsOf(terms, masked, kl).filter(([, value]) => Number.isFinite(value));
  const largest = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-9);
  return el(
    "table",
    { class: "bars" },
    el("caption", { class: "visually-hidden" }, "Terms of the bound, in nats"),
    ...rows.map((row) => bar(row, largest)),
  );
}

function rowsOf({ reconstruction, kl, elbo, log_likelihood: likelihood }, masked, name) {
  const x = masked ? "observed" : "x";
  const layers = (kl ?? []).map((value, layer) => [
    kl.length > 1 ? `${name}, layer ${layer + 1}` : name,
    value,
    "kl",
  ]);
  const bounds = [
    ["ELBO", elbo, "elbo"],
    [masked ? "log p(observed)" : "log p(x) ≥", likelihood, "elbo"],
  ];
  return [[`log p(${x} | z)`, reconstruction, "reconstruction"], ...layers, ...bounds];
}

function bar([name, value, kind], largest) {
  const line = el("span", { class: `bar ${kind}` });
  line.style.setProperty("--share", Math.abs(value) / largest);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name),
    el("td", { class: "number" }, formatNumber(value)),
    el("td", { class: "wide" }, line),
  );
}
