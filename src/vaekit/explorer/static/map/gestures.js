/**
 * What hands do on the map, brought to five wishes: hover, leave, choose, pan, zoom.
 *
 * A mouse hovers, clicks to choose, drags to pan, and zooms by its wheel. A finger hovers as it moves and
 * chooses where it leaves; two fingers pan and zoom.
 *
 * @typedef {Object} Wishes
 * @property {(px: number, py: number, time: number) => void} hover
 * @property {() => void} leave
 * @property {(px: number, py: number) => void} choose
 * @property {(dx: number, dy: number) => void} pan
 * @property {(px: number, py: number, factor: number) => void} zoom
 */

const STILL = 4; // pixels that a click may wander

/** @param {HTMLElement} surface @param {Wishes} wishes */
export function listen(surface, wishes) {
  const down = new Map(); // the pointers that touch, by id
  let wandered = 0;
  const at = (event) => {
    const box = surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  surface.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    surface.setPointerCapture(event.pointerId);
    if (!down.size) wandered = 0;
    down.set(event.pointerId, at(event));
    if (down.size > 1) wandered = Infinity;
  });

  surface.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = down.get(event.pointerId);
    if (before) wandered += Math.hypot(now.x - before.x, now.y - before.y);
    if (down.size === 2) pinch(down, event.pointerId, now, wishes);
    else if (before && event.pointerType === "mouse") drag(before, now, wandered, surface, wishes);
    else wishes.hover(now.x, now.y, event.timeStamp);
    if (before) down.set(event.pointerId, now);
  });

  surface.addEventListener("pointerup", (event) => {
    const now = at(event);
    const touched = event.pointerType !== "mouse";
    if (down.delete(event.pointerId) && (touched ? wandered < Infinity : wandered < STILL))
      wishes.choose(now.x, now.y);
    surface.classList.remove("dragged");
    if (touched) wishes.leave();
  });

  surface.addEventListener("pointercancel", (event) => (down.delete(event.pointerId), wishes.leave()));
  surface.addEventListener("pointerleave", () => wishes.leave());
  surface.addEventListener("wheel", (event) => turn(event, at(event), wishes), { passive: false });
}

function drag(before, now, wandered, surface, wishes) {
  if (wandered < STILL) return;
  surface.classList.add("dragged");
  wishes.leave();
  wishes.pan(now.x - before.x, now.y - before.y);
}

function pinch(down, id, now, wishes) {
  const other = [...down].find(([key]) => key !== id)[1];
  const before = down.get(id);
  const length = (a, b) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  wishes.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  wishes.zoom(middle.x, middle.y, length(now, other) / length(before, other));
}

function turn(event, now, wishes) {
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
  wishes.zoom(now.x, now.y, Math.exp((-event.deltaY * lines) / (event.ctrlKey ? 100 : 500)));
}
