/** What keys do on the map. */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEP = 0.02; // of what is seen
const LEAP = 0.1; // with Shift

/**
 * @param {HTMLElement} surface
 * @param {{move: Function, enter: Function, step: Function, nearer: Function, whole: Function, end: Function, escape: Function}} keys
 */
export function listenToKeys(surface, keys) {
  const acts = {
    Enter: () => keys.enter(),
    n: () => keys.step(1),
    p: () => keys.step(-1),
    "+": () => keys.nearer(1.25),
    "=": () => keys.nearer(1.25),
    "-": () => keys.nearer(0.8),
    0: () => keys.whole(),
    a: () => keys.end("a"),
    b: () => keys.end("b"),
    Escape: () => keys.escape(),
  };
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== surface) return;
    const arrow = ARROWS[event.key];
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (arrow) keys.move(...arrow, event.shiftKey ? LEAP : STEP);
    else if (act) act();
    if (arrow || act) event.preventDefault();
  });
}
