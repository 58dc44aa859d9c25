/** A drawable vector of D levels, with the methods of a drawable image (image.js): the height of the pointer is the level. */

const HEIGHT = 64;

/** @param {[number, number, number]} shape  1, 1, D */
export function drawableVector([, , width]) {
  const levels = new Uint8Array(width);
  const observed = new Uint8Array(width).fill(255);

  function touch(mode, x, y) {
    const at = Math.min(Math.max(Math.floor(x), 0), width - 1);
    if (mode === "draw") levels[at] = Math.round(255 * Math.min(Math.max(1 - y / HEIGHT, 0), 1));
    else if (mode === "erase") levels[at] = 0;
    else observed[at] = mode === "mask" ? 0 : 255;
  }

  return {
    levels,
    observed,
    size: { width, height: HEIGHT },
    stroke(mode, [x0, y0], [x1, y1]) {
      const touches = Math.ceil(Math.abs(x1 - x0)) + 1;
      for (let k = 0; k <= touches; k++)
        touch(mode, x0 + ((x1 - x0) * k) / touches, y0 + ((y1 - y0) * k) / touches);
    },
    clear: () => void (levels.fill(0), observed.fill(255)),
    unmaskAll: () => void observed.fill(255),
    isEmpty: () => levels.every((level) => level === 0),
    isUnmasked: () => observed.every((byte) => byte === 255),
    /** Images of vectors show curves, from which no levels can be read. */
    read: null,
    paint(context) {
      context.clearRect(0, 0, width, HEIGHT);
      for (let at = 0; at < width; at++) {
        const tall = observed[at] ? (levels[at] / 255) * HEIGHT : HEIGHT;
        context.fillStyle = observed[at] ? "#0072b2" : "#d55e00";
        context.fillRect(at, HEIGHT - tall, 1, tall);
      }
    },
  };
}
