/** A vector of D levels that can be drawn on, as a sheet can (see brush.js): the pointer's height is the level. */

const HEIGHT = 64;

/** @param {[number, number, number]} shape  1, 1, D */
export function curve([, , width]) {
  const levels = new Uint8Array(width);
  const seen = new Uint8Array(width).fill(255);

  function touch(mode, x, y) {
    const at = Math.min(Math.max(Math.floor(x), 0), width - 1);
    if (mode === "draw") levels[at] = Math.round(255 * Math.min(Math.max(1 - y / HEIGHT, 0), 1));
    else if (mode === "erase") levels[at] = 0;
    else seen[at] = mode === "wipe" ? 0 : 255;
  }

  return {
    levels,
    seen,
    size: { width, height: HEIGHT },
    stroke(mode, [x0, y0], [x1, y1]) {
      const touches = Math.ceil(Math.abs(x1 - x0)) + 1;
      for (let k = 0; k <= touches; k++)
        touch(mode, x0 + ((x1 - x0) * k) / touches, y0 + ((y1 - y0) * k) / touches);
    },
    clear: () => void (levels.fill(0), seen.fill(255)),
    uncover: () => void seen.fill(255),
    isEmpty: () => levels.every((level) => level === 0),
    isWhole: () => seen.every((byte) => byte === 255),
    /** Pictures of vectors are pictures of curves, from which no levels can be read. */
    read: null,
    paint(context) {
      context.clearRect(0, 0, width, HEIGHT);
      for (let at = 0; at < width; at++) {
        const tall = seen[at] ? (levels[at] / 255) * HEIGHT : HEIGHT;
        context.fillStyle = seen[at] ? "#0072b2" : "#d55e00";
        context.fillRect(at, HEIGHT - tall, 1, tall);
      }
    },
  };
}
