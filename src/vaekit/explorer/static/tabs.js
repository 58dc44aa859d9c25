/** Tabs as in the ARIA Authoring Practices: arrow keys move between them, and the panel follows. */
import { el, unique } from "./dom.js";

/**
 * @param {string} name
 * @param {{key: string, title: string, content: HTMLElement}[]} tools
 * @param {string} chosen
 * @param {(key: string) => void} onchoose
 */
export function tabs(name, tools, chosen, onchoose) {
  const made = tools.map(({ key, title, content }) => {
    const [id, panelId] = [unique("tab"), unique("tabpanel")];
    const tab = el(
      "button",
      { type: "button", role: "tab", id, "aria-controls": panelId, onclick: () => onchoose(key) },
      title,
    );
    const panel = el("div", { role: "tabpanel", id: panelId, "aria-labelledby": id, class: "tool" }, content);
    return { key, tab, panel };
  });
  const list = el(
    "div",
    { role: "tablist", "aria-label": name, class: "tabs" },
    ...made.map(({ tab }) => tab),
  );
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const now = made.findIndex(({ tab }) => tab === document.activeElement);
    const next = made[(now + by + made.length) % made.length];
    next.tab.focus();
    onchoose(next.key);
    event.preventDefault();
  });
  const box = el("div", { class: "tools" }, list, ...made.map(({ panel }) => panel));
  box.choose = (key) => {
    for (const { key: own, tab, panel } of made) {
      tab.setAttribute("aria-selected", String(own === key));
      tab.tabIndex = own === key ? 0 : -1;
      panel.hidden = own !== key;
    }
  };
  box.choose(chosen);
  return box;
}
