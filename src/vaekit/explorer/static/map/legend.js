/** The legend of a map: classes, each of which can be hidden, or a color scale. */
import { button, el, formatNumber } from "../dom.js";
import { isDark, onTheme } from "../theme.js";
import { classColor, colorScale, range } from "./colors.js";

export const MEASURES = {
  reconstruction: "Reconstruction, log p(x | z)",
  kl: "KL, KL(q(z | x), p(z))",
  log_likelihood: "Log-likelihood, log p(x)",
  error: "Mean error of the reconstruction",
};

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model @param {HTMLElement} stage */
export function legend(app, model, stage) {
  const box = el("div", { class: "legend" });
  const refresh = () => box.replaceChildren(...entries(app, model, stage));
  app.store.on(["color", "hidden", "backdrop"], refresh);
  app.scene.on(["loaded", "valued", "dimmed"], refresh);
  onTheme(refresh);
  return box;
}

function entries(app, model, stage) {
  const { color } = app.store.get();
  if (!model.points) return [];
  if (color === "label") return model.info.classes ? classEntries(app, model.info.classes, stage) : [];
  return color === "none" ? [] : [scaleOf(model.points[color], color, isDark(stage))];
}

function classEntries(app, names, stage) {
  const { hidden } = app.store.get();
  const entry = (name, k) => {
    const box = button(name, () => hide(app, flipped(hidden, k)), {
      class: "class",
      "aria-pressed": String(!hidden.includes(k)),
    });
    box.title = `Show or hide ${name}; double-click to show it alone`;
    box.style.setProperty("--color", classColor(k, names.length, isDark(stage)));
    box.addEventListener("dblclick", () =>
      hide(
        app,
        names.map((_, j) => j).filter((j) => j !== k),
      ),
    );
    return box;
  };
  const all = button("Show all", () => hide(app, []), { class: "class plain", disabled: !hidden.length });
  return [...names.map(entry), all];
}

const flipped = (hidden, k) =>
  hidden.includes(k) ? hidden.filter((j) => j !== k) : [...hidden, k].sort((a, b) => a - b);
const hide = (app, hidden) => app.store.set({ hidden });

function scaleOf(values, color, dark) {
  const name = MEASURES[color];
  if (!values) return el("p", { class: "note" }, `${name}: estimating …`);
  const [low, high] = range(values);
  const bar = el("span", { class: "ramp", "aria-hidden": "true" });
  bar.style.setProperty("--ramp", colorScale(dark).join(","));
  const [digits, unit] = color === "error" ? [3, null] : [0, el("span", {}, "nats")];
  const ends = [low, high].map((value) => el("span", { class: "number" }, formatNumber(value, digits)));
  return el("p", { class: "scale" }, el("span", {}, name), ends[0], bar, ends[1], unit);
}
