/** Errors, in a line across the page that says what to do. */
import { button, el } from "./dom.js";

const DURATION = 8000; // milliseconds that a refusal stays; an error of the connection stays until it is resolved

/** @param {HTMLElement} banner @param {() => Promise<void>} reconnect  asks the server whether it is back */
export function errorBanner(banner, reconnect) {
  let timer = 0;
  const hide = () => (banner.hidden = true);
  function show(text, ...buttons) {
    clearTimeout(timer);
    banner.replaceChildren(el("span", {}, text), ...buttons);
    banner.hidden = false;
  }
  async function retry() {
    try {
      await reconnect();
      hide();
    } catch (error) {
      showError(error);
    }
  }
  function showError(error) {
    if (error?.kind === "superseded") return;
    if (error?.kind === "gone")
      return show(error.message, button("Try again", retry, { class: "button small" }));
    if (!error?.kind) console.error(error);
    show(error?.message ?? String(error), button("Close", hide, { class: "button small" }));
    timer = setTimeout(hide, DURATION);
  }
  return showError;
}
