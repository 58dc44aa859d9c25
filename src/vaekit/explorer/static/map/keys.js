/** Keyboard control of the map. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.02; // of the visible width
const LARGE_STEP = 0.1; // with Shift

/**
 * @param {HTMLElement} surface
 * @param {{move: Function, selectNearest: Function, step: Function, zoomBy: Function, showAll: Function, setEnd: Function, escape: Function}} keys
 */
export function listenToKeys(surface, keys) {
  const actions = {
    Enter: () => keys.selectNearest(),
    n: () => keys.step(1),
    p: () => keys.step(-1),
    "+": () => keys.zoomBy(1.25),
    "=": () => keys.zoomBy(1.25),
    "-": () => keys.zoomBy(0.8),
    0: () => keys.showAll(),
    a: () => keys.setEnd("a"),
    b: () => keys.setEnd("b"),
    Escape: () => keys.escape(),
  };
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== surface) return;
    const arrow = ARROWS[event.key];
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (arrow) keys.move(...arrow, event.shiftKey ? LARGE_STEP : STEP);
    else if (action) action();
    if (arrow || action) event.preventDefault();
  });
}
