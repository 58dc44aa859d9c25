/**
 * Draw an image, drop one, or take one of the data; wipe a part of it out. The encoder answers with the
 * posterior on the map, the reconstruction and the terms of the bound, and what is wiped out is filled anew.
 */
import { button, choice, el, slider } from "../dom.js";
import { latest } from "../latest.js";
import { fromBase64, toBase64 } from "../picture.js";
import { answerLane } from "./answer.js";
import { sheet } from "./brush.js";
import { packed, unpacked } from "./runs.js";

const MODES = [
  ["draw", "Draw"],
  ["erase", "Erase"],
  ["wipe", "Wipe"],
  ["unwipe", "Restore"],
];
const LARGEST_FILE = 1.4e6; // bytes, which base64 brings below what the server takes
const LONGEST = 4000; // letters of a drawing that go into the address

/** @param {import("../types.js").App} app */
export function sketch(app) {
  const { shape } = app.models[0].info;
  const [channels, height, width] = shape;
  const image = sheet(shape);
  const canvas = el("canvas", {
    class: "picture sketch",
    width,
    height,
    tabindex: "0",
    role: "img",
    "aria-label": "Drawing",
  });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const lanes = app.models.map((model) => answerLane(app, model));
  const brush = { mode: "draw", radius: Math.max(height / 22, 0.6), ink: [255, 255, 255] };
  const kinds = choice("Brush", MODES, brush.mode, (mode) => (brush.mode = mode));
  const thickness = slider("Thickness", {
    min: 0.5,
    max: Math.max(height / 5, 2),
    step: 0.1,
    digits: 1,
    value: brush.radius,
    oninput: (value) => (brush.radius = value),
  });
  const colour =
    channels === 3
      ? el("input", {
          type: "color",
          value: "#ffffff",
          "aria-label": "Colour",
          oninput: (event) => (brush.ink = bytes(event.target.value)),
        })
      : null;
  const file = el("input", {
    type: "file",
    accept: "image/*",
    class: "unseen",
    onchange: () => file.files[0] && open(file.files[0]),
  });

  const ask = latest(async (wish) => void (await Promise.all(lanes.map((lane) => lane.ask(wish)))), app.fail);
  const whole = () => ({
    pixels: toBase64(image.levels),
    ...(image.isWhole() ? {} : { mask: toBase64(image.seen) }),
  });

  function changed() {
    image.paint(context);
    if (image.isEmpty()) return lanes.forEach((lane) => lane.clear());
    ask(whole());
  }

  function keep() {
    const [drawn, wiped] = [
      image.isEmpty() ? "" : packed(image.levels),
      image.isWhole() ? "" : packed(image.seen),
    ];
    if (drawn.length + wiped.length < LONGEST) app.store.set({ drawn, wiped });
  }

  function recall() {
    const { drawn, wiped } = app.store.get();
    const [levels, seen] = [unpacked(drawn, image.levels.length), unpacked(wiped, image.seen.length)];
    if (drawn === packed(image.levels) || (!drawn && image.isEmpty())) return;
    image.clear();
    if (levels) image.levels.set(levels);
    if (seen) image.seen.set(seen);
    changed();
  }

  async function take(i) {
    image.clear();
    await put(await app.backend.image(0, i));
  }

  async function put(bitmap) {
    context.drawImage(bitmap, 0, 0, width, height);
    image.read(context);
    changed();
    keep();
  }

  async function open(dropped) {
    try {
      if (dropped.size > LARGEST_FILE)
        throw new Error(
          `${dropped.name}: ${(dropped.size / 1e6).toFixed(1)} MB; expected an image of at most 1.4 MB.`,
        );
      const content = toBase64(new Uint8Array(await dropped.arrayBuffer()));
      const answer = await app.backend.encode(0, { file: content, label: app.store.get().label });
      image.clear();
      await put(await fromBase64(answer.image));
      app.say(`${dropped.name} opened.`);
    } catch (error) {
      app.fail(error);
    }
    file.value = "";
  }

  paintOn(canvas, image, brush, changed, keep);
  acceptDrops(open, () => app.store.set({ tool: "draw" }));
  app.store.on(["drawn", "wiped"], recall);
  app.store.on(["label", "kind"], () => app.store.get().tool === "draw" && changed());
  image.paint(context);
  recall();

  const clear = button("Clear", () => (image.clear(), changed(), keep()), { class: "button small" });
  const uncover = button("Restore all", () => (image.uncover(), changed(), keep()), {
    class: "button small",
  });
  const current = button("Take image", () => take(app.store.get().point ?? 0).catch(app.fail), {
    class: "button small",
    title: "The chosen image of the data, or the first one",
  });
  const opener = button("Open file …", () => file.click(), { class: "button small" });
  return el(
    "div",
    {},
    el("div", { class: "group" }, kinds, thickness),
    el(
      "div",
      { class: "easel" },
      canvas,
      el("div", { class: "stack" }, colour, current, opener, clear, uncover, file),
    ),
    el(
      "p",
      { class: "note" },
      "Draw on the square, or drop an image file anywhere on the page; the diamond on the map is its code. Wipe a part out to see it filled.",
    ),
    ...lanes.map(({ box }) => box),
  );
}

/** Strokes of a pointer. */
function paintOn(canvas, image, brush, changed, keep) {
  let from = null;
  const at = (event) => [
    (event.offsetX / canvas.clientWidth) * canvas.width,
    (event.offsetY / canvas.clientHeight) * canvas.height,
  ];
  const stroke = (event) => {
    const to = at(event);
    image.stroke(brush.mode, from, to, brush.radius, brush.ink);
    from = to;
    changed();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = at(event);
    stroke(event);
  });
  canvas.addEventListener("pointermove", (event) => from && stroke(event));
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => from && ((from = null), keep()));
}

/** Files dropped anywhere on the page. */
function acceptDrops(open, show) {
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped) (show(), open(dropped));
  });
}

const bytes = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
