/**
 * A slider for each latent, in the order of its KL; inactive latents are folded away.
 *
 * In a hierarchical model, the layers below a changed one can be resampled from p(z_l | layers above), with the same
 * seed, so that the image changes smoothly.
 */
import { button, el, formatNumber, one, slider, unique } from "../dom.js";
import { modelPanel } from "../model_panel.js";
import { latest } from "../latest.js";
import { selectImage, setLatent, setLatents } from "../latent_navigation.js";

const RANGE = 4; // standard deviations to each side, or units if those are smaller

/** @param {import("../types.js").App} app */
export function sliders(app) {
  return el("div", {}, prior(app), ...app.models.map((model) => latentsOf(app, model)));
}

/** Sample from the prior at a temperature; take a random image; reset. */
function prior(app) {
  const put = (temperature) => app.store.set({ temperature });
  const temperatureSlider = slider("Temperature", {
    min: 0.05,
    max: 2,
    step: 0.05,
    value: app.store.get().temperature,
    oninput: put,
  });
  app.store.on(["temperature"], ({ temperature }) => temperatureSlider.put(temperature));
  const sample = button("Sample from prior", () => sampleAll(app), { class: "button primary" });
  const reset = button("Reset", () => resetAll(app), {
    class: "button small",
    title: "Move to the mean of all posterior means",
  });
  const image = button(`Random ${one(app.models[0].info)}`, () =>
    selectImage(app, Math.floor(Math.random() * app.models[0].info.images)),
  );
  const words = "Ordered by KL: the line under a name shows its KL to the prior.";
  const note = el("div", { class: "row layer-note" }, el("p", { class: "note" }, words), reset);
  return el("div", { class: "group" }, el("div", { class: "row" }, sample, image), temperatureSlider, note);
}

async function sampleAll(app) {
  const seed = app.store.get().seed + 1;
  const { temperature, label } = app.store.get();
  try {
    const samples = await Promise.all(
      app.models.map(({ m }) => app.backend.sample(m, { temperature, label, seed })),
    );
    app.store.set({ seed });
    setLatents(
      app,
      samples.map(({ z }) => z),
    );
    app.announce("A new sample from the prior.");
  } catch (error) {
    app.showError(error);
  }
}

function resetAll(app) {
  setLatents(
    app,
    app.models.map(({ info }) => info.latents.map(({ mean }) => mean)),
  );
}

function latentsOf(app, model) {
  const { info, m } = model;
  const rows = [];
  const follow = info.layer_dims.length > 1 ? followBox() : null;
  const resample = latest((layer) => resampleBelow(app, m, layer), app.showError);
  const changed = (latent, value) => {
    setLatent(
      app,
      m,
      app.store.get().z[m].map((old, j) => (j === latent.index ? value : old)),
    );
    if (follow?.checked() && latent.layer < info.layer_dims.length - 1) resample(latent.layer);
  };
  const largest = Math.max(...info.latents.map(({ kl }) => kl), 1e-9);
  const layers = info.layer_dims.map((_, layer) => layerBox(info, layer, largest, changed, rows, resample));
  app.store.on(["z"], ({ z }) => rows.forEach(({ index, box }) => box.put(z[m][index])));
  rows.forEach(({ index, box }) => box.put(app.store.get().z[m][index]));
  return modelPanel(app, model, follow?.box ?? null, ...layers);
}

function layerBox(info, layer, largest, changed, rows, resample) {
  const own = info.latents.filter((latent) => latent.layer === layer).sort((a, b) => b.kl - a.kl);
  const row = (latent) => {
    const box = latentSlider(latent, largest, changed);
    rows.push({ index: latent.index, box });
    return box;
  };
  const active = own.filter((latent) => latent.active);
  const inactive = own.filter((latent) => !latent.active);
  const last = layer === info.layer_dims.length - 1;
  const head =
    info.layer_dims.length > 1
      ? el(
          "div",
          { class: "row spread" },
          el("h3", {}, `Layer ${layer + 1}${layer ? "" : " (top)"} · ${own.length} latents`),
          last ? null : button("Resample below", () => resample(layer), { class: "button small" }),
        )
      : null;
  return el("div", { class: "layer" }, head, ...active.map(row), inactive.length ? inactiveBox(inactive.map(row), info.noun) : null);
}

function inactiveBox(rows, noun) {
  const words = `${rows.length} inactive ${rows.length > 1 ? "latents" : "latent"}: the posterior mean hardly varies between ${noun}`;
  return el("details", { class: "inactive" }, el("summary", {}, words), ...rows);
}

function latentSlider(latent, largest, changed) {
  const range = RANGE * Math.max(latent.std, 1);
  const limits = {
    min: Math.floor(latent.mean - range),
    max: Math.ceil(latent.mean + range),
    step: 0.01,
    value: 0,
  };
  const box = slider(`z${latent.index}`, { ...limits, oninput: (value) => changed(latent, value) });
  box.classList.add("latent");
  box.style.setProperty("--share", latent.kl / largest);
  box.title = `KL ${formatNumber(latent.kl, 2)} nats, posterior means ${formatNumber(latent.mean, 2)} ± ${formatNumber(latent.std, 2)}`;
  return box;
}

function followBox() {
  const id = unique("follow");
  const input = el("input", { type: "checkbox", id, checked: true });
  const label = el("label", { for: id }, "Resample the layers below");
  return { box: el("p", { class: "checkbox" }, input, label), checked: () => input.checked };
}

async function resampleBelow(app, m, layer) {
  const { z, label, temperature, seed } = app.store.get();
  const answer = await app.backend.sample(m, { layer, z: z[m], label, temperature, seed });
  setLatent(app, m, answer.z);
}
