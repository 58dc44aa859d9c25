/**
 * The page of a training: curves, samples and the map as it forms; every kept epoch can be shown again.
 *
 * The numbers come from the run directory once per second while the training runs. The state of an epoch is loaded
 * when it is first shown, and kept.
 */
import { el } from "../dom.js";
import { themeButton, onTheme } from "../theme.js";
import { charts } from "./charts.js";
import { formingMap } from "./forming_map.js";

const POLL = 1000; // milliseconds between two looks at the run
const STEP = 350; // milliseconds per epoch while playing

const at = (id) => document.getElementById(id);
const page = { state: null, states: new Map(), epoch: null, following: true, playing: 0, want: 0 };
const map = formingMap(at("map"));
const curves = charts(at("charts"), (epoch) => (follow(false), show(nearest(epoch))));

async function load(path) {
  const response = await fetch(`../api/${path}`, { cache: "no-store" });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `The server answered with status ${response.status}.`);
  return body;
}

async function poll() {
  let running = true;
  try {
    const before = page.state;
    const state = (page.state = await load("training"));
    running = state.running;
    at("banner").hidden = true;
    if (!before) introduce(state);
    showFacts(state);
    if (state.kept.length && (page.following || page.epoch === null)) await show(state.kept.at(-1));
    else place();
    curves.draw(state.records, page.epoch);
  } catch (error) {
    at("banner").textContent = page.state
      ? `No answer from the training: ${error.message} What was loaded stays here.`
      : error.message;
    at("banner").hidden = false;
  }
  if (running) setTimeout(poll, POLL);
}

/** What does not change during a training: title and classes. */
function introduce(state) {
  document.title = `${state.title} · training`;
  at("title").textContent = state.title;
}

function showFacts({ records, epochs, running, path }) {
  const done = records.at(-1)?.epoch ?? 0;
  const status = running ? "training" : done < epochs ? "stopped" : "finished";
  at("facts").textContent = `epoch ${done} of ${epochs} · ${status} · ${path}`;
  at("explore").hidden = running;
}

/** Show a kept epoch. */
async function show(epoch) {
  const turn = ++page.want;
  if (!page.states.has(epoch)) page.states.set(epoch, await load(`training/epoch?epoch=${epoch}`));
  if (turn !== page.want) return; // another epoch was asked for meanwhile
  const state = page.states.get(epoch);
  page.epoch = epoch;
  const { labels, classes, latents } = page.state;
  map.show(state, labels, classes.length);
  if (state.samples) at("samples").src = state.samples;
  at("samples-pane").hidden = !state.samples;
  at("plane").textContent =
    latents > 2
      ? `${state.x.length} held-out points, two principal components, ${Math.round(100 * state.explained)} % of the variance`
      : `${state.x.length} held-out points`;
  legend(classes);
  place();
  curves.draw(page.state.records, epoch);
}

/** The scrubber at the epoch that is shown. */
function place() {
  const { kept } = page.state;
  const slider = at("epoch");
  slider.max = String(Math.max(kept.length - 1, 0));
  slider.value = String(Math.max(kept.indexOf(page.epoch), 0));
  slider.setAttribute("aria-valuetext", `epoch ${page.epoch ?? 0}`);
  at("shown").textContent = page.epoch === null ? "no epoch yet" : `epoch ${page.epoch} of ${page.state.epochs}`;
}

function legend(classes) {
  const colors = map.colors(classes.length);
  at("classes").replaceChildren(
    ...classes.slice(0, 20).map((name, k) => el("li", {}, dot(colors[k]), name)),
  );
}

function dot(color) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const circle = document.createElementNS(space, "circle");
  for (const [name, value] of Object.entries({ cx: 5, cy: 5, r: 5, fill: color })) circle.setAttribute(name, value);
  svg.setAttribute("viewBox", "0 0 10 10");
  svg.setAttribute("aria-hidden", "true");
  svg.append(circle);
  return svg;
}

const nearest = (epoch) =>
  page.state.kept.reduce((best, each) => (Math.abs(each - epoch) < Math.abs(best - epoch) ? each : best));

function follow(on) {
  page.following = on;
  at("follow").setAttribute("aria-pressed", String(on));
  if (on) play(false);
}

function play(on) {
  clearInterval(page.playing);
  page.playing = 0;
  at("play").textContent = on ? "❚❚" : "▶";
  at("play").setAttribute("aria-label", on ? "Pause" : "Play the epochs");
  if (!on) return;
  const { kept } = page.state;
  let next = page.epoch === kept.at(-1) ? 0 : kept.indexOf(page.epoch);
  page.playing = setInterval(async () => {
    const epochs = page.state.kept;
    await show(epochs[Math.min(next, epochs.length - 1)]).catch(() => play(false));
    if (++next >= epochs.length) play(false);
  }, STEP);
}

at("actions").append(
  el("a", { class: "button", id: "explore", href: "../", hidden: true }, "Explore the model"),
  themeButton(),
);
at("epoch").addEventListener("input", (event) => {
  follow(false);
  play(false);
  if (page.state?.kept.length) show(page.state.kept[Number(event.target.value)]).catch(() => {});
});
at("follow").addEventListener("click", () => {
  follow(!page.following);
  if (page.following && page.state?.kept.length) show(page.state.kept.at(-1));
});
at("play").addEventListener("click", () => {
  if (!page.state?.kept.length) return;
  follow(false);
  play(!page.playing);
});
onTheme(() => page.epoch !== null && show(page.epoch));
poll();
