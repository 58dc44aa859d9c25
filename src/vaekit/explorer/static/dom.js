/** Helpers that create elements: no framework, no HTML in strings. */

/**
 * An element with attributes, listeners (`onclick`), properties of the same name, and children.
 *
 * @param {string} tag
 * @param {Object} [attributes]
 * @param {...(Node|string|null)} children
 * @returns {any}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(element, name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function put(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (["value", "checked", "hidden", "disabled"].includes(name)) element[name] = value;
  else if (value !== null && value !== undefined && value !== false)
    element.setAttribute(name, value === true ? "" : value);
}

let made = 0;

/** An id that no other element has. */
export const unique = (word) => `${word}-${++made}`;

/** A button. */
export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", class: "button", onclick, ...attributes }, text);
}

/** A labeled select: options are [value, name]. */
export function select(name, options, value, onchange) {
  const box = el("select", { onchange: () => onchange(box.value), "aria-label": name });
  box.append(...options.map(([key, text]) => el("option", { value: key }, text)));
  box.value = value;
  return box;
}

/** A button with an on and an off state. */
export function toggle(text, pressed, onchange, attributes = {}) {
  const box = button(text, () => onchange(box.getAttribute("aria-pressed") !== "true"), {
    class: "toggle",
    "aria-pressed": String(pressed),
    ...attributes,
  });
  return box;
}

/** Radio buttons side by side. */
export function choice(name, options, value, onchange) {
  const group = unique("choice");
  const radio = ([key, text]) =>
    el(
      "label",
      {},
      el("input", {
        type: "radio",
        name: group,
        value: key,
        checked: key === value,
        onchange: () => onchange(key),
      }),
      el("span", {}, text),
    );
  const box = el("div", { class: "choice", role: "radiogroup", "aria-label": name }, ...options.map(radio));
  box.choose = (key) => {
    for (const input of box.querySelectorAll("input")) input.checked = input.value === key;
  };
  return box;
}

/** A slider with its name and its value as a number. */
export function slider(name, { min, max, step, value, oninput, digits = 2 }) {
  const id = unique("slider");
  const output = el("output", { for: id }, formatNumber(value, digits));
  const input = el("input", { type: "range", id, min, max, step, value });
  const show = () => (output.textContent = formatNumber(Number(input.value), digits));
  input.addEventListener("input", () => (show(), oninput(Number(input.value))));
  const box = el("div", { class: "slider" }, el("label", { for: id }, name), input, output);
  box.put = (next) => ((input.value = next), show());
  return box;
}

/** Save bytes as a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** What one data point of a model is: row, image, signal or volume. @param {import("./types.js").ModelInfo} info */
export function one(info) {
  return info.noun.replace(/s$/, "");
}

/** A number as text; a dash if there is none. */
export function formatNumber(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value
    .toFixed(digits)
    .replace(/^-(?=[0.]*$)/, "")
    .replace("-", "−");
}
