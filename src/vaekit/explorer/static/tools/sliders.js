/**
 * A slider for each latent, those that the model uses most first; the dead ones are put aside, and said to be.
 *
 * Of a hierarchical model, the levels below a changed one may follow: they are drawn anew from the model's own
 * p(z_l | levels above), with the same seed, so that the picture changes evenly.
 */
import { button, el, nice, slider, unique } from "../dom.js";
import { lane } from "../model_panel.js";
import { latest } from "../latest.js";
import { choose, go, goAll } from "../latent_navigation.js";

const REACH = 4; // standard deviations to each side, or units where those are smaller

/** @param {import("../types.js").App} app */
export function sliders(app) {
  return el("div", {}, prior(app), ...app.models.map((model) => latentsOf(app, model)));
}

/** Draw from the prior, at a temperature; and back to where one was. */
function prior(app) {
  const put = (temperature) => app.store.set({ temperature });
  const warmth = slider("Temperature", {
    min: 0.05,
    max: 2,
    step: 0.05,
    value: app.store.get().temperature,
    oninput: put,
  });
  app.store.on(["temperature"], ({ temperature }) => warmth.put(temperature));
  const draw = button("Draw from prior", () => drawAll(app), { class: "button primary" });
  const reset = button("Reset", () => resetAll(app), {
    class: "button small",
    title: "To the mean of all codes",
  });
  const image = button("Random image", () =>
    choose(app, Math.floor(Math.random() * app.models[0].info.images)),
  );
  const words = "Most used first: the line under a name is its KL to the prior.";
  const note = el("div", { class: "row level-note" }, el("p", { class: "note" }, words), reset);
  return el("div", { class: "group" }, el("div", { class: "row" }, draw, image), warmth, note);
}

async function drawAll(app) {
  const seed = app.store.get().seed + 1;
  const { temperature, label } = app.store.get();
  try {
    const draws = await Promise.all(
      app.models.map(({ m }) => app.backend.draw(m, { temperature, label, seed })),
    );
    app.store.set({ seed });
    goAll(
      app,
      draws.map(({ z }) => z),
    );
    app.say("A new code, drawn from the prior.");
  } catch (error) {
    app.fail(error);
  }
}

function resetAll(app) {
  goAll(
    app,
    app.models.map(({ info }) => info.latents.map(({ mean }) => mean)),
  );
}

function latentsOf(app, model) {
  const { info, m } = model;
  const rows = [];
  const follow = info.levels.length > 1 ? followBox() : null;
  const redraw = latest((level) => redrawBelow(app, m, level), app.fail);
  const turned = (latent, value) => {
    go(
      app,
      m,
      app.store.get().z[m].map((old, j) => (j === latent.index ? value : old)),
    );
    if (follow?.checked() && latent.level < info.levels.length - 1) redraw(latent.level);
  };
  const most = Math.max(...info.latents.map(({ kl }) => kl), 1e-9);
  const levels = info.levels.map((_, level) => levelBox(info, level, most, turned, rows, redraw));
  app.store.on(["z"], ({ z }) => rows.forEach(({ index, box }) => box.put(z[m][index])));
  rows.forEach(({ index, box }) => box.put(app.store.get().z[m][index]));
  return lane(app, model, follow?.box ?? null, ...levels);
}

function levelBox(info, level, most, turned, rows, redraw) {
  const own = info.latents.filter((latent) => latent.level === level).sort((a, b) => b.kl - a.kl);
  const row = (latent) => {
    const box = latentSlider(latent, most, turned);
    rows.push({ index: latent.index, box });
    return box;
  };
  const [used, dead] = [own.filter(({ active }) => active), own.filter(({ active }) => !active)];
  const last = level === info.levels.length - 1;
  const head =
    info.levels.length > 1
      ? el(
          "div",
          { class: "row spread" },
          el("h4", {}, `Level ${level + 1}${level ? "" : ", the top"} · ${own.length} latents`),
          last ? null : button("Redraw below", () => redraw(level), { class: "button small" }),
        )
      : null;
  return el("div", { class: "level" }, head, ...used.map(row), dead.length ? deadBox(dead.map(row)) : null);
}

function deadBox(rows) {
  const words = `${rows.length} dead ${rows.length > 1 ? "latents" : "latent"}: no image moves ${rows.length > 1 ? "them" : "it"}`;
  return el("details", { class: "dead" }, el("summary", {}, words), ...rows);
}

function latentSlider(latent, most, turned) {
  const reach = REACH * Math.max(latent.sd, 1);
  const limits = {
    min: Math.floor(latent.mean - reach),
    max: Math.ceil(latent.mean + reach),
    step: 0.01,
    value: 0,
  };
  const box = slider(`z${latent.index}`, { ...limits, oninput: (value) => turned(latent, value) });
  box.classList.add("latent");
  box.style.setProperty("--share", latent.kl / most);
  box.title = `KL ${nice(latent.kl, 2)} nats, codes ${nice(latent.mean, 2)} ± ${nice(latent.sd, 2)}`;
  return box;
}

function followBox() {
  const id = unique("follow");
  const input = el("input", { type: "checkbox", id, checked: true });
  const label = el("label", { for: id }, "Levels below follow, drawn from the model");
  return { box: el("p", { class: "tick" }, input, label), checked: () => input.checked };
}

async function redrawBelow(app, m, level) {
  const { z, label, temperature, seed } = app.store.get();
  const answer = await app.backend.draw(m, { level, z: z[m], label, temperature, seed });
  go(app, m, answer.z);
}
