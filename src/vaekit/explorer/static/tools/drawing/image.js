/**
 * A drawable image of C x H x W gray levels: a soft brush for the levels, and a hard one for the mask.
 *
 * A touch of radius r at (x, y) covers a pixel at distance d by clamp(r + 1/2 - d, 0, 1).
 */

/** An image to draw on. @param {[number, number, number]} shape */
export function drawableImage([channels, height, width]) {
  const levels = new Uint8Array(channels * height * width);
  const observed = new Uint8Array(height * width).fill(255);
  const area = height * width;

  function touch(x, y, radius, action) {
    for (
      let row = Math.max(0, Math.floor(y - radius - 1));
      row <= Math.min(height - 1, y + radius + 1);
      row++
    )
      for (
        let column = Math.max(0, Math.floor(x - radius - 1));
        column <= Math.min(width - 1, x + radius + 1);
        column++
      ) {
        const cover = Math.min(Math.max(radius + 0.5 - Math.hypot(column + 0.5 - x, row + 0.5 - y), 0), 1);
        if (cover > 0) action(row * width + column, cover);
      }
  }

  function color(at, cover, ink, lighten) {
    for (let c = 0; c < channels; c++) {
      const old = levels[c * area + at];
      const mixed = old + (ink[c] - old) * cover;
      levels[c * area + at] = lighten ? Math.max(old, mixed) : mixed;
    }
  }

  const actions = {
    draw: (ink) => (at, cover) => color(at, cover, ink, channels === 1),
    erase: () => (at, cover) => color(at, cover, [0, 0, 0], false),
    mask: () => (at, cover) => cover > 0.5 && (observed[at] = 0),
    unmask: () => (at, cover) => cover > 0.5 && (observed[at] = 255),
  };

  return {
    levels,
    observed,
    size: { width, height },
    /** Touch the line between two positions. */
    stroke(mode, [x0, y0], [x1, y1], radius, ink) {
      const touches = Math.ceil(Math.hypot(x1 - x0, y1 - y0) * 2) + 1;
      for (let k = 1; k <= touches; k++)
        touch(x0 + ((x1 - x0) * k) / touches, y0 + ((y1 - y0) * k) / touches, radius, actions[mode](ink));
    },
    clear: () => (levels.fill(0), observed.fill(255)),
    unmaskAll: () => void observed.fill(255),
    isEmpty: () => levels.every((level) => level === 0),
    isUnmasked: () => observed.every((byte) => byte === 255),
    /** Read the pixels of a canvas of the same size. */
    read(context) {
      const { data } = context.getImageData(0, 0, width, height);
      for (let at = 0; at < area; at++)
        for (let c = 0; c < channels; c++) levels[c * area + at] = data[4 * at + c];
    },
    /** Paint onto a canvas of the same size; the masked part is hatched. */
    paint(context) {
      const picture = context.createImageData(width, height);
      for (let at = 0; at < area; at++) {
        const of = (c) => levels[(channels === 1 ? 0 : c) * area + at];
        const hatch = (Math.floor(at / width) + at) % 2 ? [213, 94, 0] : [150, 62, 0];
        picture.data.set(observed[at] ? [of(0), of(1), of(2), 255] : [...hatch, 255], 4 * at);
      }
      context.putImageData(picture, 0, 0);
    },
  };
}
