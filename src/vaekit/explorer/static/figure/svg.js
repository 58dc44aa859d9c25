/** A record as SVG: text is text, pictures are PNG inside, pixels stay sharp. */

/**
 * @param {import("./recorder.js").Mark[]} marks
 * @param {{width: number, height: number}} size  of the record, in CSS pixels
 * @param {number} width  of the figure, in millimeters
 */
export function svg(marks, size, width) {
  const height = (width * size.height) / size.width;
  const parts = [];
  let clips = 0;
  for (const mark of marks) {
    if (mark.kind === "clip") parts.push(clipStart(mark, ++clips));
    else if (mark.kind === "unclip") parts.push("</g>");
    else parts.push(WRITERS[mark.kind](mark));
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${short(height)}mm" ` +
    `viewBox="0 0 ${short(size.width)} ${short(size.height)}" font-family="Helvetica, Arial, sans-serif">\n` +
    `<rect width="100%" height="100%" fill="#ffffff"/>\n${parts.join("\n")}\n</svg>\n`
  );
}

const WRITERS = {
  path: ({ d, stroke, fill, width, dash, alpha, disc }) =>
    disc && !stroke
    ? `<circle cx="${short(disc[0])}" cy="${short(disc[1])}" r="${short(disc[2])}" fill="${fill}"${opacity(alpha)}/>`
    : `<path d="${d.map(([letter, ...numbers]) => letter + numbers.map(short).join(" ")).join("")}" ` +
    `fill="${fill ?? "none"}"${stroke ? ` stroke="${stroke}" stroke-width="${short(width)}" stroke-linecap="round"` : ""}` +
    `${dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : ""}${opacity(alpha)}/>`,
  text: ({ text, x, y, size, bold, anchor, fill, alpha }) =>
    `<text x="${short(x)}" y="${short(y)}" font-size="${short(size)}" text-anchor="${anchor}" fill="${fill}"` +
    `${bold ? ' font-weight="600"' : ""}${opacity(alpha)}>${escaped(text)}</text>`,
  image: ({ source, x, y, width, height, smooth, alpha }) =>
    `<image x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" preserveAspectRatio="none"` +
    `${smooth ? "" : ' style="image-rendering: pixelated"'}${opacity(alpha)} href="${source.toDataURL("image/png")}"/>`,
};

const clipStart = ({ x, y, width, height }, id) =>
  `<clipPath id="clip${id}"><rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"/></clipPath>` +
  `<g clip-path="url(#clip${id})">`;
const opacity = (alpha) => (alpha < 1 ? ` opacity="${short(alpha)}"` : "");
const short = (value) => String(Math.round(value * 100) / 100);
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
