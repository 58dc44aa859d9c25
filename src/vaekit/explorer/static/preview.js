/**
 * The picture: what the pointer's place decodes to, or else the code of the state; beside it the image of the
 * data that is there, with its numbers.
 *
 * A pointer's move is timed until its picture is drawn: `performance.getEntriesByName("pointer to picture")`.
 */
import { el, nice } from "./dom.js";
import { lane } from "./model_panel.js";
import { latest } from "./latest.js";
import { clear, frame, show } from "./image.js";
import { codeAt, inWords } from "./latent_navigation.js";

const TIMING = "pointer to picture";
const KEPT = 500; // timings

/** @param {import("./types.js").App} app @param {import("./types.js").Model} model */
export function probe(app, model) {
  const { m } = model;
  const picture = frame("Decoded image", { class: "picture large" });
  const source = el("p", { class: "source" });
  const original = frame("Image of the data", { class: "picture small" });
  const facts = el("dl", { class: "numbers" });
  let seen = -1;

  const decode = latest(async ({ place, z, label, film }) => {
    if (film) return showFilm(film);
    const code = place ? await codeUnder(app, model, place, z) : z;
    show(picture, await app.backend.decode(m, [code], label, "probe"));
    source.textContent = `${inWords(code)}${place ? ", under the pointer" : ""}`;
    if (place?.time) time(place.time);
  }, app.fail);
  const fetchImage = latest(async (i) => show(original, await app.backend.image(m, i)), app.fail);

  function showFilm({ row, k, n, z, t }) {
    show(picture, row, k, n);
    source.textContent = `${inWords(z)}, from A to B at ${nice(t, 2)}`;
  }

  function ask() {
    const { z, label, point } = app.store.get();
    const { place, films } = app.scene.get();
    const film = place ? null : films[m];
    decode({ place: place && (place.m === m || place.i >= 0) ? place : null, z: z[m], label, film });
    tell(place ? place.i : film ? -1 : (point ?? -1));
  }

  function tell(i) {
    if (i === seen) return;
    seen = i;
    original.setAttribute("aria-label", i < 0 ? "No image of the data here" : `Image ${i} of the data`);
    if (i < 0) clear(original);
    else fetchImage(i);
    refreshNumbers();
  }

  const refreshNumbers = () => facts.replaceChildren(...numbers(model, seen));
  app.scene.on(["loaded", "valued"], refreshNumbers);
  app.scene.on(["place", "films"], ask);
  app.store.on(["z", "label", "point"], ask);
  refreshNumbers();
  ask();
  const side = el("div", { class: "beside" }, original, facts);
  const box = lane(app, model, el("div", { class: "pair" }, picture, side), source);
  box.classList.add("probe");
  return box;
}

/** The code under the pointer; on another model's map, that of the same image. */
async function codeUnder(app, model, place, base) {
  if (place.m === model.m) return codeAt(app, model, [place.x, place.y], base);
  return (await app.backend.point(model.m, place.i, app.store.get().kind)).z;
}

function numbers(model, i) {
  const { points, info } = model;
  const value = (key) => (i < 0 ? null : points?.[key]?.[i]);
  const label = info.classes ? [["class", i < 0 ? "–" : (info.classes[points?.label?.[i]] ?? "–")]] : [];
  const bound = info.is_bound
    ? [
        ["rate", nice(value("rate"))],
        ["log p(x)", nice(value("log_likelihood"))],
      ]
    : [];
  const rows = [
    ["image", i < 0 ? "–" : String(i)],
    ...label,
    ["log p(x|z)", nice(value("reconstruction"))],
    ...bound,
  ];
  return rows.flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]);
}

function time(from) {
  performance.measure(TIMING, { start: from, end: performance.now() });
  if (performance.getEntriesByName(TIMING).length > KEPT) performance.clearMeasures(TIMING);
}
