/**
 * Draw an image, drop one, or take one of the data; wipe a part of it out. The encoder answers with the
 * posterior on the map, the reconstruction and the terms of the bound, and what is wiped out is filled anew.
 */
import { button, el } from "../../dom.js";
import { latest } from "../../latest.js";
import { fromBase64, toBase64 } from "../../image.js";
import { answerLane } from "./result.js";
import { createEasel } from "./canvas.js";
import { packed, unpacked } from "./run_length.js";

const LARGEST_FILE = 1.4e6; // bytes, which base64 brings below what the server takes
const LONGEST = 4000; // letters of a drawing that go into the address
const WORDS =
  "Draw on the square, or drop an image file anywhere on the page; the diamond on the map is its code. " +
  "Wipe a part out to see it filled.";

/** @param {import("../../types.js").App} app */
export function sketch(app) {
  const easel = createEasel(app.models[0].info.shape, changed, keep);
  const { image, canvas, brushes } = easel;
  const lanes = app.models.map((model) => answerLane(app, model));
  const ask = latest((wish) => Promise.all(lanes.map((lane) => lane.ask(wish))), app.fail);

  function changed() {
    easel.paint();
    if (image.isEmpty()) return lanes.forEach((lane) => lane.clear());
    ask({ pixels: toBase64(image.levels), ...(image.isWhole() ? {} : { mask: toBase64(image.seen) }) });
  }

  /** Let the address say what was drawn. */
  function keep() {
    const drawn = image.isEmpty() ? "" : packed(image.levels);
    const wiped = image.isWhole() ? "" : packed(image.seen);
    if (drawn.length + wiped.length < LONGEST) app.store.set({ drawn, wiped });
  }

  /** Draw what the address says. */
  function recall() {
    const { drawn, wiped } = app.store.get();
    if (drawn === packed(image.levels) || (!drawn && image.isEmpty())) return;
    image.clear();
    image.levels.set(unpacked(drawn, image.levels.length) ?? []);
    image.seen.set(unpacked(wiped, image.seen.length) ?? []);
    changed();
  }

  async function put(bitmap) {
    easel.put(bitmap);
    changed();
    keep();
  }

  async function open(file) {
    const answer = await app.backend.encode(0, { file: await read(file), label: app.store.get().label });
    await put(await fromBase64(answer.image));
    app.say(`${file.name} opened.`);
  }

  acceptDrops((file) => (app.store.set({ tool: "draw" }), open(file).catch(app.fail)));
  app.store.on(["drawn", "wiped"], recall);
  app.store.on(["label", "kind"], () => app.store.get().tool === "draw" && changed());
  easel.paint();
  recall();

  const act = (name, work, title = name) =>
    button(name, () => Promise.resolve(work()).catch(app.fail), { class: "button small", title });
  const again = (work) => () => (work(), changed(), keep());
  const take = async () => put(await app.backend.image(0, app.store.get().point ?? 0));
  const acts = [
    image.read && act("Take image", take, "The chosen image of the data, or the first one"),
    image.read && opener(app, open),
    act("Clear", again(image.clear)),
    act("Restore all", again(image.uncover)),
  ].filter(Boolean);
  return el(
    "div",
    {},
    brushes,
    el("div", { class: "easel" }, canvas, el("div", { class: "stack" }, ...acts)),
    el("p", { class: "note" }, WORDS),
    ...lanes.map(({ box }) => box),
  );
}

/** A button that lets a file be chosen. */
function opener(app, open) {
  const chosen = async () => {
    if (input.files[0]) await open(input.files[0]).catch(app.fail);
    input.value = "";
  };
  const input = el("input", {
    type: "file",
    accept: "image/*",
    class: "unseen",
    tabindex: "-1",
    onchange: chosen,
  });
  const box = button("Open file …", () => input.click(), { class: "button small" });
  box.append(input);
  return box;
}

/** Files dropped anywhere on the page. */
function acceptDrops(open) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) open(file);
  });
}

/** The bytes of a file in base64. */
async function read(file) {
  if (file.size <= LARGEST_FILE) return toBase64(new Uint8Array(await file.arrayBuffer()));
  throw new Error(`${file.name}: ${(file.size / 1e6).toFixed(1)} MB; expected an image of at most 1.4 MB.`);
}
