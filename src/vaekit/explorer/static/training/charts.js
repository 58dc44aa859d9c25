/** Small curves by epoch: the bound and its terms, with the epoch that is shown. */
import { el, formatNumber } from "../dom.js";

const WIDTH = 320;
const HEIGHT = 150;
const EDGE = { left: 46, right: 8, top: 8, bottom: 20 };
const STEEP = 20; // with more epochs, the first twentieth may leave the frame

/** The charts: a title, and the value of a record for training and for validation. */
const CHARTS = [
  { title: "ELBO (nats)", train: elbo, validation: (record) => record.validation_elbo },
  { title: "Loss", train: (r) => r.loss, validation: (r) => r.validation_loss, unless: "ELBO (nats)" },
  { title: "−log p(x|z) (nats)", train: (r) => r.reconstruction, validation: (r) => r.validation_reconstruction },
  { title: "KL (nats)", train: (r) => r.kl, validation: (r) => r.validation_kl },
  { title: "KL weight β", train: (r) => r.beta, validation: () => null, changes: true },
];

function elbo({ reconstruction, kl }) {
  return finite(reconstruction) && finite(kl) ? -(reconstruction + kl) : null;
}

const finite = (value) => typeof value === "number" && Number.isFinite(value);

/**
 * @param {HTMLElement} box
 * @param {(epoch: number) => void} pick  called with the epoch under a click or a drag
 */
export function charts(box, pick) {
  return {
    draw(records, epoch) {
      const drawn = [];
      const parts = CHARTS.map((chart) => {
        if (chart.unless && drawn.includes(chart.unless)) return null;
        const lines = ["train", "validation"].map((name) => ({ name, points: series(records, chart[name]) }));
        const known = lines.filter(({ points }) => points.length);
        if (!known.length || (chart.changes && constant(known[0].points))) return null;
        drawn.push(chart.title);
        return one(chart, known, records, epoch, pick);
      }).filter(Boolean);
      box.replaceChildren(...parts);
      box.hidden = !parts.length;
    },
  };
}

function series(records, value) {
  return records.map((record) => [record.epoch, value(record)]).filter(([, y]) => finite(y));
}

const constant = (points) => points.every(([, y]) => y === points[0][1]);

function one(chart, lines, records, epoch, pick) {
  const last = Math.max(records.at(-1)?.epoch ?? 1, 2);
  const [low, high] = limits(lines, last);
  const x = (at) => EDGE.left + ((at - 1) / (last - 1)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value) => EDGE.top + ((high - value) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const ticks = [low + 0.1 * (high - low), (low + high) / 2, high - 0.1 * (high - low)];
  const digits = high - low < 1 ? 2 : high - low < 10 ? 1 : 0;
  const clip = `clip-${CHARTS.indexOf(chart)}`;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${chart.title} by epoch` });
  const frame = shape("clipPath", { id: clip });
  frame.append(shape("rect", { x: EDGE.left, y: 0, width: WIDTH - EDGE.left, height: HEIGHT - EDGE.bottom }));
  svg.append(
    frame,
    ...ticks.flatMap((value) => [
      shape("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) }),
      words(formatNumber(value, digits), { x: EDGE.left - 6, y: y(value) + 3.5, "text-anchor": "end" }),
    ]),
    words("1", { x: x(1), y: HEIGHT - 5 }),
    words(String(last), { x: x(last), y: HEIGHT - 5, "text-anchor": "end" }),
    ...lines.map(({ name, points }) =>
      shape("polyline", {
        class: name,
        "clip-path": `url(#${clip})`,
        points: points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
      }),
    ),
  );
  if (epoch !== null)
    svg.append(shape("line", { class: "now", x1: x(epoch), x2: x(epoch), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
  const under = (event) => {
    const box = svg.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width) * WIDTH - EDGE.left;
    pick(1 + (share / (WIDTH - EDGE.left - EDGE.right)) * (last - 1));
  };
  svg.addEventListener("pointerdown", under);
  svg.addEventListener("pointermove", (event) => event.buttons && under(event));
  const now = lines.map(({ name, points }) => {
    const found = points.find(([at]) => at === epoch) ?? points.at(-1);
    return el("li", { class: `of-${name}` }, `${name === "train" ? "training" : name} ${formatNumber(found[1], 2)}`);
  });
  return el("div", { class: "chart" }, el("h3", {}, chart.title), svg, el("ul", { class: "key number" }, ...now));
}

/** The range of the values; a steep start may leave it, the ends of the lines never do. */
function limits(lines, last) {
  const points = lines.flatMap((line) => line.points);
  const late = last >= STEEP ? points.filter(([at]) => at > last / STEEP) : points;
  const values = [...late, ...lines.map((line) => line.points.at(-1))].map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = high > low ? 0.08 * (high - low) : Math.max(Math.abs(high) * 0.05, 0.5);
  return [low - margin, high + margin];
}

function shape(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function words(text, attributes) {
  const element = shape("text", attributes);
  element.textContent = text;
  return element;
}
