/** A and B, the ends of an interpolation: an image of the data, or a code of each model. */
import { button, el } from "../dom.js";
import { latest } from "../latest.js";
import { frame, show } from "../image.js";
import { codeAt } from "../latent_navigation.js";

/** Let what is looked at be an end. @param {import("../types.js").App} app @param {"a"|"b"} name */
export function setEnd(app, name) {
  const { point, z } = app.store.get();
  app.store.set({ [name]: point === null ? { z } : { i: point }, tool: "interpolate" });
  app.say(`${name.toUpperCase()} set.`);
}

/** Let a place on a map be an end; models on whose map it is not stay at their own code. */
export async function pickEnd(app, name, place) {
  app.scene.set({ picking: null });
  if (place.i >= 0) return app.store.set({ [name]: { i: place.i } });
  const { z } = app.store.get();
  const code = await codeAt(app, app.models[place.m], [place.x, place.y], z[place.m]);
  app.store.set({ [name]: { z: z.map((old, m) => (m === place.m ? code : old)) } });
}

/** Two images of different classes to begin with, so that there is always a way to see. */
export function firstEnds(app) {
  const { a, b, point } = app.store.get();
  const { points, info } = app.models[0];
  if ((a && b) || !points) return;
  const from = point ?? 0;
  const other = points.label ? points.label.findIndex((label) => label !== points.label[from]) : -1;
  app.store.set({ a: a ?? { i: from }, b: b ?? { i: other >= 0 ? other : (from + 1) % info.images } });
}

/** What shows an end and sets it. */
export function endBox(app, name) {
  const letter = name.toUpperCase();
  const picture = frame(`End ${letter}`, { class: "picture end" });
  const text = el("span", { class: "note" });
  const fill = latest(async (end) => {
    text.textContent = "i" in end ? `image ${end.i}` : "a code";
    const { label } = app.store.get();
    show(
      picture,
      await ("i" in end
        ? app.backend.image(0, end.i)
        : app.backend.decode(0, [end.z[0]], label, `end-${name}`)),
    );
  }, app.fail);
  const refresh = () => app.store.get()[name] && fill(app.store.get()[name]);
  app.store.on([name, "label"], refresh);
  refresh();
  const pick = button("Pick on map", () => startPicking(app, name), {
    class: "button small",
    "aria-pressed": "false",
  });
  app.scene.on(["picking"], ({ picking }) => pick.setAttribute("aria-pressed", String(picking === name)));
  const take = button("Take current", () => setEnd(app, name), { class: "button small" });
  return el(
    "div",
    { class: "end-box", role: "group", "aria-label": `End ${letter}` },
    el("span", { class: "letter" }, letter),
    picture,
    el("div", { class: "stack" }, text, pick, take),
  );
}

function startPicking(app, name) {
  const picking = app.scene.get().picking === name ? null : name;
  app.scene.set({ picking });
  if (picking) app.say(`Choose ${name.toUpperCase()} on the map; Escape to leave it.`);
}
