/** What opens over the page: the lines of Python, and the help. And what is put on the clipboard. */
import { button, el } from "./dom.js";
import { python } from "./python.js";

const KEYS = [
  ["Arrow keys", "move the code on the map, with Shift further"],
  ["Enter", "choose the image nearest to the code"],
  ["N, P", "the next image, and the one before"],
  ["A, B", "let the code be an end of an interpolation"],
  ["+, −, 0", "nearer, further away, the whole map"],
];

/** @param {import("./types.js").App} app */
export async function showPython(app) {
  const text = await python(app);
  open(
    "As Python",
    el("pre", { tabindex: "0" }, el("code", {}, text)),
    button("Copy", (event) => copied(event.target, text), { class: "button primary" }),
  );
}

export function showHelp() {
  const rows = KEYS.map(([key, act]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, act)));
  open(
    "How to walk here",
    el(
      "div",
      { class: "help" },
      el(
        "p",
        {},
        "Each point is an image, at the mean of its code q(z | x). Move over the map, and what the place under " +
          "the pointer decodes to is shown beside it: everywhere, also where no point is.",
      ),
      el(
        "p",
        {},
        "Click to keep a place or an image, drag to pan, scroll or pinch to zoom. With a finger, slide to look and lift to keep.",
      ),
      el("p", {}, "With the map in focus:"),
      el("table", { class: "keys" }, ...rows),
      el("p", {}, "The address says what you see: a link to it shows the same."),
    ),
  );
}

/** Put text on the clipboard, and say so on the button. */
export async function copied(box, text) {
  const before = box.textContent;
  box.textContent = (await copy(text)) ? "Copied" : "Not allowed here";
  setTimeout(() => (box.textContent = before), 1600);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

/** For pages that are not on the loopback address, to which browsers give no clipboard. */
function copyOldWay(text) {
  const box = el("textarea", { value: text, class: "unseen" });
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}

function open(title, content, ...buttons) {
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    {
      "aria-label": title,
      onclose: () => dialog.remove(),
      onclick: (event) => event.target === dialog && close(),
    },
    el(
      "div",
      { class: "sheet" },
      el("h2", {}, title),
      content,
      el("div", { class: "row end" }, ...buttons, button("Close", close)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
