/** Light, dark, or as the system is; and the colors of the page for what is drawn on a canvas. */
import { button } from "./dom.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];

/** Told when the colors change. */
export const onTheme = (listener) => void listeners.push(listener);

/** Whether an element is dark now: one that says so itself, or the page. */
export function isDark(element = document.documentElement) {
  const said = element.dataset.theme ?? theme();
  return said === "auto" ? system.matches : said === "dark";
}

/** The button that switches, with the choice kept for the next visit. */
export function themeButton() {
  put(remembered());
  system.addEventListener("change", tell);
  const box = button("", () => (put(NEXT[theme()]), name(box), tell()));
  name(box);
  return box;
}

/** Colors and letters for what is drawn within an element. */
export function look(element) {
  const style = getComputedStyle(element);
  const of = (key) => style.getPropertyValue(`--${key}`).trim();
  return {
    ink: of("ink"),
    muted: of("muted"),
    line: of("hairline"),
    axis: of("axis"),
    paper: of("ground"),
    accent: of("accent"),
    warm: of("warm"),
    font: `11px ${style.fontFamily}`,
  };
}

const theme = () => document.documentElement.dataset.theme ?? "auto";
const tell = () => listeners.forEach((listener) => listener());

function name(box) {
  box.textContent = { auto: "◐ Auto", light: "◐ Light", dark: "◐ Dark" }[theme()];
  box.setAttribute("aria-label", `Colors: ${theme()}. Change to ${NEXT[theme()]}.`);
  box.title = "Light, dark, or as the system is";
}

function put(wish) {
  if (wish === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wish;
  remember("theme", wish);
}

const remembered = () => (recall("theme") in NEXT ? recall("theme") : "auto");

/** What was kept on an earlier visit, or null. */
export function recall(key) {
  try {
    return localStorage.getItem(`vaekit-${key}`);
  } catch {
    return null;
  }
}

/** Keep something for the next visit, where the browser allows it. */
export function remember(key, value) {
  try {
    localStorage.setItem(`vaekit-${key}`, value);
  } catch {
    // a browser that keeps nothing is asked again
  }
}
