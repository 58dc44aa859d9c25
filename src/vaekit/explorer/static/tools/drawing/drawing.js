/**
 * Draw an image, open one, or take one of the data, and mask a part of it. The encoder answers with the posterior on
 * the map, the reconstruction and the terms of the bound; the masked part is imputed.
 */
import { button, el } from "../../dom.js";
import { fromBase64, toBase64 } from "../../image.js";
import { latest } from "../../latest.js";
import { drawingCanvas } from "./canvas.js";
import { resultPanel } from "./result.js";
import { decodeRuns, encodeRuns } from "./run_length.js";

const MAX_FILE = 1.4e6; // bytes; base64 of them is below the limit of the server
const MAX_ADDRESS = 4000; // characters of a drawing in the address
const INTRO =
  "Draw on the square, or drop an image file anywhere on the page. The diamond on the map is its posterior mean. " +
  "Mask a part to impute it.";

/** @param {import("../../types.js").App} app */
export function drawing(app) {
  const surface = drawingCanvas(app.models[0].info.shape, changed, writeState);
  const { image, canvas, brushes } = surface;
  const panels = app.models.map((model) => resultPanel(app, model));
  const encode = latest((input) => Promise.all(panels.map((panel) => panel.encode(input))), app.showError);

  function changed() {
    surface.paint();
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
    if (drawn === encodeRuns(image.levels) || (!drawn && image.isEmpty())) return;
    image.clear();
    image.levels.set(decodeRuns(drawn, image.levels.length) ?? []);
    image.observed.set(decodeRuns(mask, image.observed.length) ?? []);
    changed();
  }

  async function put(bitmap) {
    surface.put(bitmap);
    changed();
    writeState();
  }

  async function open(file) {
    const answer = await app.backend.encode(0, { file: await read(file), label: app.store.get().label });
    await put(await fromBase64(answer.image));
    app.announce(`${file.name} opened.`);
  }

  acceptDrops((file) => (app.store.set({ tool: "draw" }), open(file).catch(app.showError)));
  app.store.on(["drawing", "mask"], readState);
  app.store.on(["label", "kind"], () => app.store.get().tool === "draw" && changed());
  surface.paint();
  readState();

  const action = (name, work, title = name) =>
    button(name, () => Promise.resolve(work()).catch(app.showError), { class: "button small", title });
  const edit = (work) => () => (work(), changed(), writeState());
  const takeImage = async () => put(await app.backend.image(0, app.store.get().point ?? 0));
  const actions = [
    image.read && action("Take image", takeImage, "The selected image of the data, or the first one"),
    image.read && fileButton(app, open),
    action("Clear", edit(image.clear)),
    action("Unmask all", edit(image.unmaskAll)),
  ].filter(Boolean);
  return el(
    "div",
    {},
    brushes,
    el("div", { class: "drawing" }, canvas, el("div", { class: "stack" }, ...actions)),
    el("p", { class: "note" }, INTRO),
    ...panels.map(({ box }) => box),
  );
}

/** A button that opens a file. */
function fileButton(app, open) {
  const chosen = async () => {
    if (input.files[0]) await open(input.files[0]).catch(app.showError);
    input.value = "";
  };
  const input = el("input", {
    type: "file",
    accept: "image/*",
    class: "visually-hidden",
    tabindex: "-1",
    onchange: chosen,
  });
  const box = button("Open file …", () => input.click(), { class: "button small" });
  box.append(input);
  return box;
}

/** Open files that are dropped anywhere on the page. */
function acceptDrops(open) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) open(file);
  });
}

/** The bytes of a file as base64. */
async function read(file) {
  if (file.size <= MAX_FILE) return toBase64(new Uint8Array(await file.arrayBuffer()));
  throw new Error(`${file.name}: expected an image file of at most 1.4 MB, got ${(file.size / 1e6).toFixed(1)} MB.`);
}
