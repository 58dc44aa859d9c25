/** The terms of the bound as bars from zero: elbo = log p(x | z) - rate, in nats. */
import { el, nice } from "../../dom.js";

/** @param {{reconstruction: number, rate: number[]|null, elbo: number|null, log_likelihood: number|null}} terms */
export function bars(terms) {
  const rows = rowsOf(terms).filter(([, value]) => Number.isFinite(value));
  const most = Math.max(...rows.map(([, value]) => Math.abs(value)), 1e-9);
  return el(
    "table",
    { class: "bars" },
    el("caption", { class: "unseen" }, "Terms of the bound, in nats"),
    ...rows.map((row) => bar(row, most)),
  );
}

function rowsOf({ reconstruction, rate, elbo, log_likelihood: likelihood }) {
  const rates = (rate ?? []).map((value, level) => [
    rate.length > 1 ? `Rate of level ${level + 1}` : "Rate",
    value,
    "rate",
  ]);
  const bounds = [
    ["ELBO", elbo, "elbo"],
    ["log p(x) ≥", likelihood, "elbo"],
  ];
  return [["log p(x | z)", reconstruction, "fit"], ...rates, ...bounds];
}

function bar([name, value, kind], most) {
  const line = el("span", { class: `bar ${kind}` });
  line.style.setProperty("--share", Math.abs(value) / most);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name),
    el("td", { class: "number" }, nice(value)),
    el("td", { class: "wide" }, line),
  );
}
