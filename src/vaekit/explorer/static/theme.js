/** Light, dark, or automatic colors; and the colors of the page for drawing on a canvas. */
import { button } from "./dom.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];

/** Call a listener when the colors change. */
export const onTheme = (listener) => void listeners.push(listener);

/** Whether an element is dark now, by its own theme or that of the page. */
export function isDark(element = document.documentElement) {
  const chosen = element.dataset.theme ?? theme();
  return chosen === "auto" ? system.matches : chosen === "dark";
}

/** The button that switches the theme; the choice is remembered for the next visit. */
export function themeButton() {
  put(remembered());
  system.addEventListener("change", notify);
  const box = button("", () => (put(NEXT[theme()]), name(box), notify()));
  name(box);
  return box;
}

/** Colors and font for drawing within an element. */
export function canvasStyle(element) {
  const style = getComputedStyle(element);
  const of = (key) => style.getPropertyValue(`--${key}`).trim();
  return {
    ink: of("ink"),
    muted: of("muted"),
    line: of("hairline"),
    axis: of("axis"),
    paper: of("canvas"),
    accent: of("accent"),
    warm: of("warm"),
    font: `11px ${style.fontFamily}`,
  };
}

const theme = () => document.documentElement.dataset.theme ?? "auto";
const notify = () => listeners.forEach((listener) => listener());

function name(box) {
  box.textContent = { auto: "◐ Auto", light: "◐ Light", dark: "◐ Dark" }[theme()];
  box.setAttribute("aria-label", `Colors: ${theme()}. Change to ${NEXT[theme()]}.`);
  box.title = "Light, dark, or automatic";
}

function put(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  remember("theme", choice);
}

const remembered = () => (recall("theme") in NEXT ? recall("theme") : "auto");

/** A value stored on an earlier visit, or null. */
export function recall(key) {
  try {
    return localStorage.getItem(`vaekit-${key}`);
  } catch {
    return null;
  }
}

/** Store a value for the next visit if the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(`vaekit-${key}`, value);
  } catch {
    // storage is not available
  }
}
