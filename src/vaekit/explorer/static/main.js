/** The page: asks the backend for the models, builds the parts, and keeps state and address in step. */
import { createBackend } from "./backend/index.js";
import { conditionBox } from "./condition.js";
import { follow } from "./loading.js";
import { copied, showHelp, showPython } from "./dialogs.js";
import { button, el } from "./dom.js";
import { hint } from "./hint.js";
import { followShown, isShown } from "./model_panel.js";
import { showFigures } from "./figure/dialog.js";
import { createMap } from "./map/map.js";
import { toolbar } from "./map/toolbar.js";
import { neighborStrip } from "./neighbors.js";
import { preview } from "./preview.js";
import { liveRegion } from "./live_region.js";
import { followChosen } from "./selection/chosen.js";
import { selectionPanel } from "./selection/panel.js";
import { followAddress, initialState, readAddress } from "./state.js";
import { createStore } from "./store.js";
import { tabs } from "./tabs.js";
import { themeButton } from "./theme.js";
import { classes } from "./tools/classes.js";
import { comparison } from "./tools/compare.js";
import { computation } from "./tools/computation.js";
import { pickEnd, setEnd } from "./tools/endpoints.js";
import { interpolation } from "./tools/interpolate.js";
import { pseudoInputs } from "./tools/pseudo_inputs.js";
import { drawing } from "./tools/drawing/drawing.js";
import { sliders } from "./tools/sliders.js";
import { tour } from "./tour/tour.js";
import { errorBanner } from "./error_banner.js";

const NUMBERS = ["No", "One", "Two", "Three", "Four"];
const at = (id) => document.getElementById(id);

async function start() {
  const backend = await createBackend();
  const { models: infos } = await backend.models();
  const initial = initialState(infos);
  const names = namesOf(infos);
  const none = infos.map(() => null);
  const app = {
    backend,
    store: createStore({ ...initial, ...readAddress(location.hash, infos) }),
    scene: createStore({
      place: null,
      picking: null,
      paths: none,
      ellipses: none,
      encoded: none,
      observed: none,
      masks: none,
      imputed: none,
      gallery: none,
      frames: none,
      dimmed: none,
      drawing: null,
      near: none,
      waiting: none,
      chosen: 0,
      playing: false,
      loaded: 0,
      valued: 0,
    }),
    models: infos.map((info, m) => ({ m, info, name: names[m], points: null, grid: null, space: null })),
    showError: (error) => showError(error),
    pick: (name, place) => pickEnd(app, name, place),
    setEnd: (name) => setEnd(app, name),
    ...liveRegion(at("live")),
  };
  app.chosen = followChosen(app);
  const maps = app.models.map((model) => createMap(app, model));
  app.squares = () => maps.map((map) => map.square());
  const load = follow(app, maps);
  const showError = errorBanner(at("banner"), async () => (await backend.models(), await load()));
  const start = tour(app, at("tour"), initial);
  const link = followAddress(app.store, initial, infos);
  app.store.on(["show"], ({ show }) => showTitle(infos.filter((_, m) => !show.length || show.includes(m))));
  showTitle(infos.filter((_, m) => isShown(app, m)));
  document.documentElement.style.setProperty("--shape", infos[0].tile_size.join(" / "));
  followLayout(app);
  at("actions").prepend(
    ...(start ? [start] : []),
    ...(infos.some(({ history }) => history)
      ? [el("a", { class: "button", href: "training/index.html" }, "Training")]
      : []),
    button("Save figure", () => showFigures(app, maps, at("panel")), { title: "PNG, SVG or PDF of what the page shows" }),
    shortened("Copy", "link", (event) => copied(event.currentTarget, link())),
    shortened("Copy as", "Python", () => showPython(app).catch(app.showError), "Python code that makes what is shown"),
    button("Help", showHelp),
  );
  at("maps").replaceChildren(
    toolbar(app),
    el("div", { class: "side-by-side" }, ...maps.map(({ box }, m) => followShown(app, m, box))),
  );
  at("panel").replaceChildren(...panel(app));
  hint(app, maps[0].stage);
  await load().catch(app.showError);
}

/** A button whose first words are left out on narrow screens. */
function shortened(first, rest, onclick, title = `${first} ${rest}`) {
  const box = button("", onclick, { title });
  box.append(el("span", { class: "long" }, `${first} `), rest);
  return box;
}

function panel(app) {
  const has = (test) => app.models.some(({ info }) => test(info));
  const tools = [
    { key: "sliders", title: "Sliders", content: sliders(app) },
    { key: "select", title: "Select", content: selectionPanel(app) },
    { key: "interpolate", title: "Interpolate", content: interpolation(app) },
    ...(app.models.length > 1 ? [{ key: "compare", title: "Compare", content: comparison(app) }] : []),
    ...(app.models.every(({ info }) => info.drawable)
      ? [{ key: "draw", title: "Draw", content: drawing(app) }]
      : []),
    ...(app.models.every(({ info }) => !info.columns)
      ? [{ key: "computation", title: "How it computes", content: computation(app) }]
      : []),
    ...(has(({ condition }) => condition?.variable === "label")
      ? [{ key: "classes", title: "Classes", content: classes(app) }]
      : []),
    ...(has(({ pseudo_inputs: n }) => n > 0)
      ? [{ key: "pseudo_inputs", title: "Pseudo-inputs", content: pseudoInputs(app) }]
      : []),
  ];
  const known = (key) => (tools.some((tool) => tool.key === key) ? key : "sliders");
  const box = tabs("Tools", tools, known(app.store.get().tool), (tool) => app.store.set({ tool }));
  app.store.on(["tool"], ({ tool }) => box.choose(known(tool)));
  const previews = el(
    "div",
    { class: "previews" },
    ...app.models.map((model) => preview(app, model)),
  );
  const heading = el("h2", { class: "visually-hidden" }, "Image and tools");
  return [heading, previews, neighborStrip(app), conditionBox(app), box].filter(Boolean);
}

/** What the style sheets know of the state: the tool, the framed part, and how many models are shown. */
function followLayout(app) {
  const refresh = ({ tool, embed, show }) => {
    const shown = String(show.length || app.models.length);
    Object.assign(document.body.dataset, { tool, shown, embed: embed ?? "" });
  };
  app.store.on(["tool", "embed", "show"], refresh);
  refresh(app.store.get());
}

/** "A · title", or "A · path" if models have the same title. */
function namesOf(infos) {
  if (infos.length === 1) return [infos[0].title];
  const same = new Set(infos.map(({ title }) => title)).size < infos.length;
  return infos.map(({ title, path }, m) => `${"ABCD"[m]} · ${same ? path.split("/").slice(-2).join("/") : title}`);
}

function showTitle(infos) {
  const titles = infos.map(({ title }) => title).join(", ");
  const [{ data, split, images, noun, layer_dims: layerDims, prior, is_bound: isBound }] = infos;
  document.title = `${titles} · vaekit explorer`;
  at("title").textContent =
    infos.length > 1 ? `${NUMBERS[infos.length]} models, side by side` : titles;
  const latents = `${layerDims.join(" + ")} latents`;
  const facts = [
    `${images.toLocaleString("en")} ${noun} of ${data.split("/").pop()}, ${split}`,
    ...(infos.length > 1
      ? []
      : [latents, isBound ? `${prior.replaceAll("_", " ")} prior` : "autoencoder"]),
  ];
  at("facts").textContent = facts.join(" · ");
}

at("actions").append(themeButton());
at("skip").addEventListener("click", (event) => (event.preventDefault(), at("panel").focus()));
start().catch((error) => {
  if (!error?.kind) console.error(error);
  const again = button("Try again", () => location.reload(), { class: "button primary" });
  at("maps").replaceChildren(
    el("div", { class: "waiting", role: "alert" }, el("p", {}, error?.message ?? String(error)), again),
  );
});
