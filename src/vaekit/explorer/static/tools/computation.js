/**
 * How the model computes, from pixels to pixels, with the numbers of the image at hand: the layers of the encoder, the
 * mean, standard deviation, noise and latents of every layer of z, the layers of the decoder, and the terms of one
 * sample of the bound.
 *
 * If z_l = mu_l + sigma_l * epsilon_l, with mu_l and sigma_l functions of the layers above, then epsilon_l = 0 gives
 * mu_l and epsilon_l = 1 gives mu_l + sigma_l: three rows of noise per layer are all that the backend is asked for.
 */
import { button, el, formatNumber, one, slider } from "../dom.js";
import { imageCanvas, show } from "../image.js";
import { latest } from "../latest.js";
import { setLatent } from "../latent_navigation.js";
import { isShown, modelPanel } from "../model_panel.js";
import { elboBars } from "./drawing/elbo_bars.js";

const ROWS = 6; // latents of a layer that are shown
const AFFINE = ["gaussian", "delta"]; // posteriors whose latents are mean + standard deviation * noise
const LAYERS_SHOWN = 8; // layers of a network

/** @param {import("../types.js").App} app */
export function computation(app) {
  const intro = `One ${one(app.models[0].info)} on its way through the model. Draw other noise, or move ε by hand, and follow what changes.`;
  return el("div", {}, el("p", { class: "note intro" }, intro), ...app.models.map((model) => panelOf(app, model)));
}

function panelOf(app, model) {
  const { m, info } = model;
  const d = info.latents.length;
  const word = one(info);
  const original = imageCanvas(`The ${word}`, { class: "picture node" });
  const decoded = imageCanvas("The mean of p(x | z)", { class: "picture node" });
  const name = el("span", { class: "note" });
  const terms = el("div", { class: "terms" });
  let noise = new Array(d).fill(0);
  let shown = -1;

  const changed = (index, value) => {
    noise = noise.map((old, j) => (j === index ? value : old));
    refresh();
  };
  const layers = info.layer_dims.map((size, layer) => layerBox(info, layer, changed));
  const compute = latest(async ({ index, rows }) => {
    const found = await app.backend.computation(m, { index, noise: rows });
    const z = found.z[0];
    layers.forEach((layer, l) => layer.put(noise, z, AFFINE.includes(info.posterior) ? momentsOf(found.z, l) : null));
    const label = model.points?.label?.[index] ?? app.store.get().label;
    show(decoded, await app.backend.decode(m, [z], info.condition ? label : null, "computation"));
    terms.replaceChildren(elboBars(termsOf(info, found), { kl: "log q − log p" }));
    if (index !== shown) show(original, await app.backend.image(m, (shown = index)));
    name.textContent = `x, ${word} ${index}`;
  }, app.showError);

  function refresh() {
    const { tool, point } = app.store.get();
    if (tool === "computation" && isShown(app, m)) compute({ index: point ?? 0, rows: rowsOf(noise, info.latents) });
  }

  const draw = (next) => () => ((noise = noise.map(next)), refresh());
  const keep = () => setLatent(app, m, layers.flatMap((layer) => layer.z()));
  app.store.on(["tool", "point", "show", "label"], refresh);
  refresh();
  return modelPanel(
    app,
    model,
    el(
      "div",
      { class: "flow" },
      node(name, original, networkBox("Encoder", info.networks.encoder)),
      ...layers.map(({ box }) => box),
      el(
        "div",
        { class: "row", hidden: info.posterior === "delta" },
        button("Draw ε", draw(normal), { class: "button small primary" }),
        button("ε = 0", draw(() => 0), { class: "button small" }),
        button("Go to z", keep, { class: "button small", title: "Move the sliders and the map to z" }),
      ),
      node(el("span", { class: "note" }, "E[x | z]"), decoded, networkBox("Decoder", info.networks.decoder)),
      el("div", { class: "step" }, el("h3", {}, "One sample of the bound, in nats"), terms),
    ),
  );
}

/** A picture with its name, beside the network that takes or makes it. */
function node(name, picture, network) {
  return el("div", { class: "step node-row" }, el("div", { class: "node-box" }, picture, name), network);
}

function networkBox(name, layers) {
  const first = layers.slice(0, LAYERS_SHOWN);
  const rest = layers.length - first.length;
  return el(
    "div",
    { class: "network" },
    el("h3", {}, name),
    el(
      "ol",
      {},
      ...first.map(({ name: kind, shape }) => el("li", {}, `${kind} → `, el("span", { class: "number" }, shape.join(" × ")))),
      rest > 0 ? el("li", {}, `and ${rest} more layers`) : null,
    ),
  );
}

/** The table of a layer of latents: mean, standard deviation, noise, and z. */
function layerBox(info, layer, changed) {
  const own = info.latents.filter((latent) => latent.layer === layer);
  const rows = own.slice(0, ROWS).map((latent) => latentRow(latent, changed));
  const symbol = info.layer_dims.length > 1 ? `z of layer ${layer + 1}` : "z";
  const formula = info.posterior === "delta" ? `${symbol} = μ` : AFFINE.includes(info.posterior) ? `${symbol} = μ + σ ε` : `${symbol} from ε`;
  const head = ["latent", "μ", "σ", "ε", "z"].map((text) => el("th", { scope: "col" }, text));
  const rest = own.length - rows.length;
  let values = [];
  const box = el(
    "div",
    { class: info.posterior === "delta" ? "step point" : "step" },
    el("h3", {}, formula),
    el("table", { class: "latent-table" }, el("tr", {}, ...head), ...rows.map(({ box: line }) => line)),
    rest > 0 ? el("p", { class: "note" }, `and ${rest} more latents`) : null,
  );
  function put(noise, z, moments) {
    values = own.map(({ index }) => z[index]);
    rows.forEach((row, k) => row.put(noise[own[k].index], values[k], moments && [moments.mean[own[k].index], moments.std[own[k].index]]));
  }
  return { box, put, z: () => values };
}

function latentRow({ index }, changed) {
  const cells = ["mean", "std", "z"].map(() => el("td", { class: "number" }, "–"));
  const noise = slider(`ε${index}`, { min: -3, max: 3, step: 0.01, value: 0, oninput: (value) => changed(index, value) });
  noise.classList.add("noise");
  noise.querySelector("label").classList.add("visually-hidden");
  const box = el("tr", {}, el("th", { scope: "row" }, `z${index}`), cells[0], cells[1], el("td", { class: "wide" }, noise), cells[2]);
  function put(epsilon, z, moments) {
    noise.put(epsilon);
    const texts = [moments?.[0], moments?.[1], z].map((value) => formatNumber(value, 2));
    cells.forEach((cell, k) => (cell.textContent = texts[k]));
  }
  return { box, put };
}

/** Row 0 is the noise itself; rows 1 + 2 l and 2 + 2 l have 0 and 1 in layer l. */
function rowsOf(noise, latents) {
  const layers = Math.max(...latents.map(({ layer }) => layer)) + 1;
  const set = (layer, value) => noise.map((old, j) => (latents[j].layer === layer ? value : old));
  return [noise, ...Array.from({ length: layers }, (_, l) => [set(l, 0), set(l, 1)]).flat()];
}

function momentsOf(z, layer) {
  const [low, high] = [z[1 + 2 * layer], z[2 + 2 * layer]];
  return { mean: low, std: high.map((value, j) => value - low[j]) };
}

/** log p(x | z) - sum_l (log q(z_l) - log p(z_l)) of the first row. */
function termsOf({ is_bound: isBound }, { log_px, log_pz, log_qz }) {
  const reconstruction = log_px[0];
  if (!isBound) return { reconstruction, kl: null, elbo: null, log_likelihood: null };
  const kl = log_qz.map((values, l) => values[0] - log_pz[l][0]);
  return { reconstruction, kl, elbo: reconstruction - kl.reduce((a, b) => a + b, 0), log_likelihood: null };
}

/** A standard normal number, by Box and Muller (1958). */
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
