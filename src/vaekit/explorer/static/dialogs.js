/** The dialogs of the page, Python code and help, and the clipboard. */
import { button, el, select } from "./dom.js";
import { python, pythonViews } from "./python.js";

const KEYS = [
  ["Arrow keys", "move on the map; with Shift in larger steps"],
  ["Enter", "select the nearest image"],
  ["N, P", "next image, previous image"],
  ["A, B", "set an end of the interpolation"],
  ["+, −, 0", "zoom in, zoom out, show the whole map"],
];

/** @param {import("./types.js").App} app */
export async function showPython(app) {
  const code = el("code", {});
  const write = async (view) => (code.textContent = await python(app, view));
  const views = pythonViews(app);
  const choice = select("What the code makes", views, views[0][0], (view) => write(view).catch(app.showError));
  await write(views[0][0]);
  open(
    "Python code",
    el("div", { class: "stack" }, choice, el("pre", { tabindex: "0" }, code)),
    button("Copy", (event) => copied(event.target, code.textContent), { class: "button primary" }),
  );
}

export function showHelp() {
  const rows = KEYS.map(([key, action]) => el("tr", {}, el("th", { scope: "row" }, key), el("td", {}, action)));
  open(
    "Help",
    el(
      "div",
      { class: "help" },
      el(
        "p",
        {},
        "Each point is an image or a row, at the mean of its posterior q(z | x). Hover anywhere to decode that point, also " +
          "between them.",
      ),
      el(
        "p",
        {},
        "Click to select a point or an image, drag to pan, scroll or pinch to zoom. On a touch screen, slide a finger to decode and lift it to select.",
      ),
      el("p", {}, "Only gray and color images can be drawn, so other data have no tool Draw."),
      el("p", {}, "Keys, when the map has the focus:"),
      el("table", { class: "keys" }, ...rows),
      el("p", {}, "The address holds the state of the page: a link to it shows the same view."),
    ),
  );
}

/** Copy text to the clipboard, and confirm it on the button. */
export async function copied(box, text) {
  const before = [...box.childNodes];
  box.replaceChildren((await copy(text)) ? "Copied" : "Copy failed");
  setTimeout(() => box.replaceChildren(...before), 1600);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyWithSelection(text);
  }
}

/** For pages that are not on the loopback address, to which browsers give no clipboard. */
function copyWithSelection(text) {
  const box = el("textarea", { value: text, class: "visually-hidden" });
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done;
}

/** Open a dialog with a title, content, and buttons before the one that closes it. */
export function open(title, content, ...buttons) {
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
      { class: "dialog" },
      el("h2", {}, title),
      content,
      el("div", { class: "row end" }, ...buttons, button("Close", close)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}
