/** What went wrong, in a line across the page that says what to do. */
import { button, el } from "./dom.js";

const SHOWN = 8000; // milliseconds that a refusal stays; a server that is gone stays until it is back

/** @param {HTMLElement} banner @param {() => Promise<void>} again  asks the server whether it is back */
export function trouble(banner, again) {
  let timer = 0;
  const hide = () => (banner.hidden = true);
  function show(text, ...buttons) {
    clearTimeout(timer);
    banner.replaceChildren(el("span", {}, text), ...buttons);
    banner.hidden = false;
  }
  async function retry() {
    try {
      await again();
      hide();
    } catch (error) {
      fail(error);
    }
  }
  function fail(error) {
    if (error?.kind === "superseded") return;
    if (error?.kind === "gone")
      return show(error.message, button("Try again", retry, { class: "button small" }));
    if (!error?.kind) console.error(error);
    show(error?.message ?? String(error), button("Close", hide, { class: "button small" }));
    timer = setTimeout(hide, SHOWN);
  }
  return fail;
}
