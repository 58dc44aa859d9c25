/** Save what the page shows as a figure: PNG, SVG or PDF, as wide as a column or a page, on white, with text as text. */
import { open } from "../dialogs.js";
import { button, choice, el, save, select } from "../dom.js";
import { drawElement, hex } from "./dom.js";
import { drawMaps } from "./map.js";
import { pdf } from "./pdf.js";
import { png } from "./png.js";
import { recorder } from "./recorder.js";
import { svg } from "./svg.js";

const PIXELS = 96 / 25.4; // CSS pixels per millimeter: text of 10 px is 7.5 points high
const WIDTHS = [
  ["85", "Column, 85 mm"],
  ["170", "Page, 170 mm"],
];
const FORMATS = ["PDF", "SVG", "PNG"];
const FILES = {
  PDF: pdf,
  PNG: png,
  SVG: async (...figure) => new Blob([svg(...figure)], { type: "image/svg+xml" }),
};

/** @param {import("../types.js").App} app @param {Object[]} maps  see map/map.js @param {HTMLElement} panel */
export function showFigures(app, maps, panel) {
  const tool = panel.querySelector(".tool:not([hidden])");
  const parts = {
    map: ["Map", null],
    image: ["Image", panel.querySelector(".previews")],
    tool: [panel.querySelector('[role="tab"][aria-selected="true"]').textContent, tool.firstElementChild],
  };
  const chosen = { part: app.store.get().tool === "sliders" ? "map" : "tool", width: "85" };
  const preview = el("img", { class: "figure-preview", alt: "Preview of the figure" });
  const figure = () => record(app, maps, parts[chosen.part][1], Number(chosen.width));
  const refresh = () => {
    const { marks, size } = figure();
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(new Blob([svg(marks, size, Number(chosen.width))], { type: "image/svg+xml" }));
  };
  const change = (key) => (value) => ((chosen[key] = value), refresh());
  const store = async (format) => {
    const { marks, size } = figure();
    save(await FILES[format](marks, size, Number(chosen.width)), `${chosen.part}.${format.toLowerCase()}`);
  };
  const what = Object.entries(parts).map(([key, [name]]) => [key, name]);
  refresh();
  open(
    "Save figure",
    el(
      "div",
      { class: "group" },
      el(
        "div",
        { class: "row" },
        select("Part of the page", what, chosen.part, change("part")),
        choice("Width", WIDTHS, chosen.width, change("width")),
      ),
      preview,
    ),
    ...FORMATS.map((format) => button(format, () => store(format).catch(app.showError), { class: "button primary" })),
  );
}

/** The marks of a part of the page, or of the maps, in light colors. */
function record(app, maps, element, width) {
  const root = document.documentElement.dataset;
  const theme = root.theme;
  root.theme = "light";
  try {
    const context = recorder();
    if (element) {
      const height = drawElement(context, element);
      return { marks: context.marks, size: { width: element.getBoundingClientRect().width, height } };
    }
    const ink = hex(getComputedStyle(document.body).color);
    const wide = width * PIXELS;
    const height = drawMaps(context, app, maps, wide, ink);
    return { marks: context.marks, size: { width: wide, height: height + 2 } };
  } finally {
    if (theme === undefined) delete root.theme;
    else root.theme = theme;
  }
}
