/** What is at the point under the pointer: its image, its class, and its numbers. */
import { el, formatNumber, one } from "../dom.js";
import { imageCanvas } from "../image.js";
import { numbersOf } from "../selection/numbers.js";

const GAP = 14; // pixels between the pointer and the box

/**
 * @param {import("../types.js").App} app
 * @param {import("../types.js").Model} model
 * @param {HTMLElement} stage
 * @param {Object} cache  see thumbnails.js
 */
export function tooltip(app, model, stage, cache) {
  const picture = imageCanvas("", { class: "picture", "aria-hidden": "true" });
  const facts = el("dl", { class: "numbers" });
  const box = el("div", { class: "tooltip", hidden: true, "aria-hidden": "true" }, picture, facts);
  let shown = -1;
  stage.append(box);

  async function fill(i) {
    facts.replaceChildren(...rows(model, i).flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
    picture.classList.remove("shown");
    const { picture: sheet, left, top, width, height } = await cache.one(i);
    if (shown !== i) return;
    Object.assign(picture, { width, height });
    picture.getContext("2d").drawImage(sheet, left, top, width, height, 0, 0, width, height);
    picture.classList.add("shown");
  }

  app.scene.on(["place"], ({ place }) => {
    const i = place && place.m === model.m ? place.i : -1;
    box.hidden = i < 0;
    if (i < 0) return void (shown = -1);
    const right = place.px > stage.clientWidth / 2;
    const low = place.py > stage.clientHeight / 2;
    box.style.left = right ? "auto" : `${place.px + GAP}px`;
    box.style.right = right ? `${stage.clientWidth - place.px + GAP}px` : "auto";
    box.style.top = low ? "auto" : `${place.py + GAP}px`;
    box.style.bottom = low ? `${stage.clientHeight - place.py + GAP}px` : "auto";
    if (i === shown) return;
    shown = i;
    fill(i).catch(app.showError);
  });
}

function rows({ points, info }, i) {
  const label = points.label && info.classes ? [["class", info.classes[points.label[i]] ?? "–"]] : [];
  const known = numbersOf(points).map(({ short, values, digits }) => [short, formatNumber(values[i], digits)]);
  return [[one(info), String(i)], ...label, ...known.slice(0, 6)];
}
