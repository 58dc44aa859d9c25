/**
 * A part of the page on a recorder: its pictures, bars, sliders and texts where they stand. Controls are left out, and
 * the gaps that they leave are closed.
 */

const LEFT_OUT =
  "button:not(.tile), select, input:not([type=range]), .slider:not(.latent, .scrubber, .noise), .intro, .visually-hidden, .choice, .file, [hidden]";
const GAP = 14; // pixels of the largest vertical gap

/** @param {any} context  see recorder.js @param {HTMLElement} root @returns {number} the height of the record */
export function drawElement(context, root) {
  const { left, top } = root.getBoundingClientRect();
  const at = (box) => ({ x: box.left - left, y: box.top - top, width: box.width, height: box.height });
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return drawText(context, node, at);
    if (node.nodeType !== Node.ELEMENT_NODE || node.matches(LEFT_OUT) || !node.getClientRects().length) return;
    if (node.tagName === "DETAILS" && !node.open) return;
    if (node.tagName === "CANVAS") return drawCanvas(context, node, at(node.getBoundingClientRect()));
    if (node.tagName === "INPUT") return drawSlider(context, node, at(node.getBoundingClientRect()));
    if (node.matches(".bar, .tick")) drawBar(context, node, at(node.getBoundingClientRect()));
    node.childNodes.forEach(visit);
  };
  visit(root);
  return closeGaps(context.marks);
}

/** Move marks up, so that no gap is larger than GAP; returns the height that is left. */
function closeGaps(marks) {
  const spans = marks.map((mark) => ({ mark, span: verticalSpan(mark) })).sort((a, b) => a.span[0] - b.span[0]);
  let [bottom, saved] = [0, 0];
  for (const { mark, span } of spans) {
    saved += Math.max(span[0] - bottom - (bottom ? GAP : 0), 0);
    bottom = Math.max(bottom, span[1]);
    moveUp(mark, saved);
  }
  return bottom - saved + 4;
}

function verticalSpan(mark) {
  if (mark.kind === "text") return [mark.y - mark.size, mark.y + 0.3 * mark.size];
  if (mark.kind === "image") return [mark.y, mark.y + mark.height];
  const heights = mark.d.flatMap(([, ...numbers]) => numbers.filter((_, k) => k % 2));
  return [Math.min(...heights), Math.max(...heights)];
}

function moveUp(mark, by) {
  if (mark.kind !== "path") mark.y -= by;
  else mark.d = mark.d.map(([letter, ...numbers]) => [letter, ...numbers.map((value, k) => (k % 2 ? value - by : value))]);
  if (mark.disc) mark.disc = [mark.disc[0], mark.disc[1] - by, mark.disc[2]];
}

function drawCanvas(context, canvas, { x, y, width, height }) {
  if (!canvas.matches(".shown, .drawing-canvas")) return;
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 1;
  context.drawImage(canvas, x, y, width, height);
}

function drawBar(context, bar, { x, y, width, height }) {
  context.fillStyle = hex(getComputedStyle(bar).backgroundColor);
  context.fillRect(x, y, width, height);
}

function drawSlider(context, input, { x, y, width, height }) {
  const share = (input.value - input.min) / (input.max - input.min || 1);
  const style = getComputedStyle(input);
  context.fillStyle = hex(style.getPropertyValue("--edge"));
  context.fillRect(x, y + height / 2 - 1, width, 2);
  context.fillStyle = hex(style.getPropertyValue("--accent"));
  context.beginPath();
  context.arc(x + 6 + share * (width - 12), y + height / 2, 5);
  context.fill();
}

/** A text line by line, aligned as on the page: fonts of a figure are a little wider or narrower. */
function drawText(context, node, at) {
  const style = getComputedStyle(node.parentElement);
  const size = parseFloat(style.fontSize);
  for (const { text, box } of lines(node)) {
    const { x, y, width, height } = at(box);
    const align = { right: "right", end: "right", center: "center" }[style.textAlign] ?? "left";
    context.textAlign = align;
    context.font = `${Number(style.fontWeight) >= 550 ? "600 " : ""}${size}px sans-serif`;
    context.fillStyle = hex(style.color);
    context.fillText(text, x + { left: 0, center: width / 2, right: width }[align], y + height / 2 + 0.36 * size);
  }
}

/** The lines of a text node, each with its box. */
function lines(node) {
  const range = document.createRange();
  const found = [];
  for (const { 0: word, index } of node.textContent.matchAll(/\S+/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.length);
    const box = range.getBoundingClientRect();
    const last = found.at(-1);
    if (last && Math.abs(last.box.top - box.top) < 3) {
      last.text += ` ${word}`;
      last.box = new DOMRect(last.box.x, last.box.y, box.right - last.box.x, box.height);
    } else if (box.width) found.push({ text: word, box });
  }
  return found;
}

/** A computed color as "#rrggbb". */
export function hex(color) {
  if (color.trim().startsWith("#")) return color.trim();
  const [red, green, blue] = color.match(/[\d.]+/g) ?? [0, 0, 0];
  return `#${[red, green, blue].map((value) => Math.round(Number(value)).toString(16).padStart(2, "0")).join("")}`;
}
