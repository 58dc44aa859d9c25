/**
 * Pointer events on the map as actions: hover, leave, select, pan, zoom, and draw a region.
 *
 * A mouse hovers, clicks to select, drags to pan, and zooms with its wheel. A finger hovers as it moves and selects
 * where it is lifted; two fingers pan and zoom. While a lasso or a rectangle is drawn, and with Shift, a drag draws.
 *
 * @typedef {Object} Actions
 * @property {(px: number, py: number, time: number) => void} hover
 * @property {() => void} leave
 * @property {(px: number, py: number) => void} select
 * @property {(dx: number, dy: number, fingers: number) => void} pan
 * @property {(shift: boolean) => "lasso"|"rectangle"|null} drawing  what a drag draws
 * @property {(line: [number, number][]) => void} draw  the pixels of the line that is drawn
 * @property {(line: [number, number][]) => void} drawn  the line is finished
 * @property {(px: number, py: number, factor: number) => void} zoom
 */

const CLICK_TOLERANCE = 4; // pixels that a pointer may move during a click

/** @param {HTMLElement} surface @param {Actions} actions */
export function listen(surface, actions) {
  const down = new Map(); // the pressed pointers, by id
  let moved = 0;
  let line = null; // that is drawn
  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    if (!down.size) {
      moved = 0;
      line = actions.drawing(event.shiftKey) ? [] : null;
    } else line = null;
    down.set(event.pointerId, at(event));
    if (down.size > 1) moved = Infinity;
  });

  surface.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = down.get(event.pointerId);
    if (before) moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (line && before && down.size === 1) actions.draw(line.push([now.x, now.y]) && line);
    else if (down.size === 2) pinch(down, event.pointerId, now, actions);
    else if (before && event.pointerType === "mouse") drag(before, now, moved, surface, actions);
    else actions.hover(now.x, now.y, event.timeStamp);
    if (before) down.set(event.pointerId, now);
  });

  surface.addEventListener("pointerup", (event) => {
    const now = at(event);
    const touched = event.pointerType !== "mouse";
    const isLine = line !== null && moved >= CLICK_TOLERANCE;
    if (line) actions.drawn(isLine && down.has(event.pointerId) ? line : []);
    line = null;
    if (isLine) down.delete(event.pointerId);
    else if (down.delete(event.pointerId) && (touched ? moved < Infinity : moved < CLICK_TOLERANCE))
      actions.select(now.x, now.y);
    surface.classList.remove("dragging");
    if (touched) actions.leave();
  });

  surface.addEventListener("pointercancel", (event) => {
    if (line) actions.drawn([]);
    line = null;
    down.delete(event.pointerId);
    actions.leave();
  });
  surface.addEventListener("pointerleave", () => actions.leave());
  surface.addEventListener("wheel", (event) => turn(event, at(event), actions), { passive: false });
}

function drag(before, now, moved, surface, actions) {
  if (moved < CLICK_TOLERANCE) return;
  surface.classList.add("dragging");
  actions.leave();
  actions.pan(now.x - before.x, now.y - before.y, 1);
}

function pinch(down, id, now, actions) {
  const other = [...down].find(([key]) => key !== id)[1];
  const before = down.get(id);
  const length = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  actions.pan((now.x - before.x) / 2, (now.y - before.y) / 2, 2);
  actions.zoom(middle.x, middle.y, length(now, other) / length(before, other));
}

function turn(event, now, actions) {
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
  actions.zoom(now.x, now.y, Math.exp((-event.deltaY * lines) / (event.ctrlKey ? 100 : 500)));
}
