/** A line that says what a map shows, and what it does not: how it was made, how it decodes, and what is still computed. */
import { el, one } from "../dom.js";

const NAMES = { latents: "The latents themselves", pca: "PCA", umap: "UMAP", tsne: "t-SNE" };

/** @param {import("../types.js").App} app @param {import("../types.js").Model} model */
export function mapNote(app, model) {
  const box = el("p", { class: "map-note", role: "status" });
  const refresh = () => {
    const waiting = app.scene.get().waiting[model.m];
    box.textContent = model.points ? (waiting ? waitingNote(waiting, model) : shownNote(app, model)) : "";
    box.hidden = !box.textContent;
    box.classList.toggle("busy", Boolean(waiting));
  };
  app.scene.on(["loaded", "waiting"], refresh);
  app.store.on(["between"], refresh);
  return box;
}

const count = (n) => n.toLocaleString("en");

function waitingNote({ kind, dims, seconds, latents }, { points, info }) {
  const what = `${NAMES[kind]} in ${dims} dimensions of ${count(latents)} ${info.noun}`;
  const lasting = latents > 4000 ? " That takes a minute or two." : "";
  return `Computing ${what} in the background: ${Math.round(seconds)} s.${lasting} Until then, this is ${lower(NAMES[points.kind])}.`;
}

const lower = (text) => (text.startsWith("The") ? text[0].toLowerCase() + text.slice(1) : text);

function shownNote(app, { points, info }) {
  const { kind, dims, n, fitted, explained_variance_ratio: shares } = points;
  if (kind === "latents") return "";
  const turn = dims === 3 ? " Drag to turn; a point decodes as its own mean." : "";
  if (kind === "pca") {
    const share = Math.round(100 * shares.reduce((a, b) => a + b, 0));
    const what = `${dims === 3 ? "Three components hold" : "This plane holds"} ${share}% of the variance of ${info.latents.length} latents, so neighbors here may be far apart.`;
    return what + (turn || (app.store.get().between === "plane" ? " Between points, the plane itself is decoded." : amongNeighbors(info)));
  }
  const part = fitted && fitted < n ? `${count(fitted)} of ${count(n)} ${info.noun}, the others placed among them` : `${count(n)} ${info.noun}`;
  const what = `${NAMES[kind]} of ${part}: it keeps neighborhoods, but not distances or sizes of groups.`;
  return what + (turn || amongNeighbors(info));
}

const amongNeighbors = (info) => ` Between points, a mean of the latents of the 8 nearest ${one(info)}s is decoded.`;
