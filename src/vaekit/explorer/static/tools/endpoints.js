/** The ends A and B of an interpolation: an image of the data, or a latent vector per model. */
import { button, el, one } from "../dom.js";
import { latest } from "../latest.js";
import { imageCanvas, show } from "../image.js";
import { latentAt } from "../latent_navigation.js";

/** Set an end to the current image or latent vector. @param {import("../types.js").App} app @param {"a"|"b"} name */
export function setEnd(app, name) {
  const { point, z } = app.store.get();
  app.store.set({ [name]: point === null ? { z } : { index: point }, tool: "interpolate" });
  app.announce(`${name.toUpperCase()} set.`);
}

/** Set an end to a point of a map; the other model keeps its current latent vector. */
export async function pickEnd(app, name, place) {
  app.scene.set({ picking: null });
  if (place.i >= 0) return app.store.set({ [name]: { index: place.i } });
  const { z } = app.store.get();
  const latent = await latentAt(app, app.models[place.m], [place.x, place.y], z[place.m]);
  app.store.set({ [name]: { z: z.map((old, m) => (m === place.m ? latent : old)) } });
}

/** Two images of different classes at first, so that there is always a path to see. */
export function initialEnds(app) {
  const { a, b, point } = app.store.get();
  const { points, info } = app.models[0];
  if ((a && b) || !points) return;
  const from = point ?? 0;
  const other = points.label ? points.label.findIndex((label) => label !== points.label[from]) : -1;
  app.store.set({ a: a ?? { index: from }, b: b ?? { index: other >= 0 ? other : (from + 1) % info.images } });
}

/** The controls that show and set an end. */
export function endBox(app, name) {
  const letter = name.toUpperCase();
  const picture = imageCanvas(`End ${letter}`, { class: "picture end" });
  const text = el("span", { class: "note" });
  const fill = latest(async (end) => {
    text.textContent = "index" in end ? `${one(app.models[0].info)} ${end.index}` : "latent vector";
    const { label } = app.store.get();
    show(
      picture,
      await ("index" in end
        ? app.backend.image(0, end.index)
        : app.backend.decode(0, [end.z[0]], label, `end-${name}`)),
    );
  }, app.showError);
  const refresh = () => app.store.get()[name] && fill(app.store.get()[name]);
  app.store.on([name, "label"], refresh);
  refresh();
  const pick = button("Pick on map", () => startPicking(app, name), {
    class: "button small",
    "aria-pressed": "false",
  });
  app.scene.on(["picking"], ({ picking }) => pick.setAttribute("aria-pressed", String(picking === name)));
  const take = button("Use current", () => setEnd(app, name), { class: "button small" });
  return el(
    "div",
    { class: "endpoint", role: "group", "aria-label": `End ${letter}` },
    el("span", { class: "letter" }, letter),
    picture,
    el("div", { class: "stack" }, text, pick, take),
  );
}

function startPicking(app, name) {
  const picking = app.scene.get().picking === name ? null : name;
  app.scene.set({ picking });
  if (picking) app.announce(`Select ${name.toUpperCase()} on the map; Escape cancels.`);
}
