/**
 * Draw an image, open files, or take an image of the data, and mask a part of it. The encoder answers with the posterior
 * on the map, the reconstruction and the terms of the bound; the masked part is imputed.
 */
import { button, el } from "../../dom.js";
import { toBase64 } from "../../image.js";
import { latest } from "../../latest.js";
import { drawingCanvas } from "./canvas.js";
import { edgeLevel, inverted, levelsOf, levelsOfBitmap } from "./files.js";
import { gallery } from "./gallery.js";
import { resultPanel } from "./result.js";
import { decodeRuns, encodeRuns } from "./run_length.js";

const MAX_ADDRESS = 4000; // characters of a drawing in the address
const MAX_FILES = 40;
const NEGATIVE = 128; // difference of gray levels at the edge from which the negative is offered
const INTRO = "Draw on the square, or drop image files anywhere on the page. Mask a part to impute it.";

/** @param {import("../../types.js").App} app */
export function drawing(app) {
  const { shape } = app.models[0].info;
  const surface = drawingCanvas(shape, changed, writeState);
  const { image, canvas, brushes } = surface;
  const panels = app.models.map((model) => resultPanel(app, model));
  const encode = latest((input) => Promise.all(panels.map((panel) => panel.encode(input))), app.showError);
  const pictures = gallery(app, put);
  const intro = el("p", { class: "note intro" }, INTRO);
  const offer = el("div", { class: "offer", role: "status", hidden: true });

  function changed() {
    surface.paint();
    intro.hidden = !image.isEmpty();
    if (image.isEmpty()) return panels.forEach((panel) => panel.clear());
    encode({ pixels: toBase64(image.levels), ...(image.isUnmasked() ? {} : { mask: toBase64(image.observed) }) });
  }

  /** Write the drawing to the state, and so to the address. */
  function writeState() {
    const drawn = image.isEmpty() ? "" : encodeRuns(image.levels);
    const mask = image.isUnmasked() ? "" : encodeRuns(image.observed);
    if (drawn.length + mask.length < MAX_ADDRESS) app.store.set({ drawing: drawn, mask });
  }

  /** Read the drawing from the state. */
  function readState() {
    const { drawing: drawn, mask } = app.store.get();
    const same = drawn === encodeRuns(image.levels) && (mask || image.isUnmasked());
    if (same || (!drawn && image.isEmpty())) return;
    image.clear();
    image.levels.set(decodeRuns(drawn, image.levels.length) ?? []);
    image.observed.set(decodeRuns(mask, image.observed.length) ?? []);
    changed();
  }

  function put(levels) {
    image.clear();
    image.levels.set(levels);
    changed();
    writeState();
  }

  async function open(files) {
    const chosen = files.slice(0, MAX_FILES);
    const opened = [];
    for (const file of chosen) opened.push({ name: file.name, levels: await levelsOf(app, file) });
    await take(opened);
    app.announce(files.length > 1 ? `${opened.length} pictures opened.` : `${files[0].name} opened.`);
  }

  /** Put pictures on canvas and in the gallery; offer their negatives if their ground is not that of the data. */
  async function take(opened) {
    const data = edgeLevel(levelsOfBitmap(await app.backend.image(0, 0), shape), shape);
    const isNegative = ({ levels }) => Math.abs(edgeLevel(levels, shape) - data) > NEGATIVE;
    offer.hidden = !opened.some(isNegative);
    const invert = () =>
      take(opened.map((one) => (isNegative(one) ? { ...one, levels: inverted(one.levels) } : one))).catch(app.showError);
    offer.replaceChildren(
      el("span", {}, `The paper is ${data < 128 ? "white" : "black"}; the model knows ${data < 128 ? "dark" : "light"} ground.`),
      button("Invert", invert, { class: "button small primary" }),
    );
    put(opened[0].levels);
    await pictures.put(opened);
  }

  const openAll = (files) => open(files).catch(app.showError);
  if (image.read) acceptDrops((files) => (app.store.set({ tool: "draw" }), openAll(files)));
  app.store.on(["drawing", "mask"], readState);
  app.store.on(["label", "kind"], () => app.store.get().tool === "draw" && changed());
  surface.paint();
  readState();

  const action = (name, work, title = name) =>
    button(name, () => Promise.resolve(work()).catch(app.showError), { class: "button small", title });
  const edit = (work) => () => (work(), (offer.hidden = true), changed(), writeState());
  const takeImage = async () => put(levelsOfBitmap(await app.backend.image(0, app.store.get().point ?? 0), shape));
  const actions = [
    image.read && action("Take image", takeImage, "The selected image of the data, or the first one"),
    image.read && fileButton(openAll),
    action("Clear", edit(image.clear)),
    action("Unmask all", edit(image.unmaskAll)),
  ].filter(Boolean);
  return el(
    "div",
    {},
    brushes,
    el(
      "div",
      { class: "drawing" },
      el("div", { class: "group" }, canvas, el("div", { class: "actions-grid" }, ...actions)),
      el("div", { class: "group" }, intro, ...panels.map(({ box }) => box)),
    ),
    offer,
    ...panels.map(({ imputations }) => imputations),
    pictures.box,
  );
}

/** The label of a file input, which looks like a button. */
function fileButton(open) {
  const input = el("input", {
    type: "file",
    accept: "image/*",
    multiple: true,
    class: "visually-hidden",
    onchange: async () => (await open([...input.files]), (input.value = "")),
  });
  return el("label", { class: "button small file" }, "Open files …", input);
}

/** Open files that are dropped anywhere on the page. */
function acceptDrops(open) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) open(files);
  });
}
