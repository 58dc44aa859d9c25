/**
 * A record as PDF 1.4 of one page: text is text in Helvetica, lines are lines, pictures are RGB pixels, compressed by
 * the browser. Greek letters are in the font Symbol, as Helvetica has none.
 *
 * Text in Helvetica is encoded as Windows Latin 1 (ISO 32000-1, annex D). A character that no font has becomes "?".
 */
const POINTS = 72 / 25.4; // per millimeter
const GREEK = { α: "a", β: "b", ε: "e", κ: "k", λ: "l", μ: "m", ν: "n", π: "p", ρ: "r", σ: "s", τ: "t", φ: "f", θ: "q", Σ: "S", "≥": "\xb3", "≤": "\xa3", "∈": "\xce", "∞": "\xa5", "→": "\xae", "↓": "\xaf", "⇄": "\xab", "⊙": "\xc4" };
const LATIN = { "−": "-", "–": "\x96", "—": "\x97", "…": "\x85", "’": "\x92", "“": "\x93", "”": "\x94", "•": "\x95", "²": "\xb2", "·": "\xb7", "×": "\xd7" };
const SYMBOL_WIDTH = 0.55; // of a Greek letter, in ems

/** @returns {Promise<Blob>} see svg.js for the arguments */
export async function pdf(marks, size, width) {
  const scale = (width * POINTS) / size.width;
  const page = { scale, height: size.height * scale, images: [], alphas: [] };
  const content = [];
  for (const mark of marks) {
    if (mark.kind === "clip") content.push("q", `${box(page, mark)} re W n`);
    else if (mark.kind === "unclip") content.push("Q");
    else content.push("q", graphicsState(page, mark.alpha), WRITERS[mark.kind](page, mark), "Q");
  }
  return fileOf(page, [size.width * scale, page.height], content.join("\n"));
}

const WRITERS = {
  path(page, { d, stroke, fill, width, dash }) {
    const color = `${fill ? `${rgb(fill)} rg ` : ""}${stroke ? `${rgb(stroke)} RG ${short(width * page.scale)} w 1 J [${dash.map((length) => short(length * page.scale)).join(" ")}] 0 d ` : ""}`;
    const steps = d.map(([letter, ...numbers]) => `${points(page, numbers)} ${{ M: "m", L: "l", C: "c", Z: "h" }[letter]}`);
    return `${color}\n${steps.join("\n")}\n${fill && stroke ? "B" : fill ? "f" : "S"}`;
  },
  text(page, { text, x, y, size, bold, anchor, fill }) {
    const wide = textWidth(text, size, bold);
    const left = x - { start: 0, middle: wide / 2, end: wide }[anchor];
    const runs = split(text).map(({ letters, symbol }) => `/${symbol ? "FS" : bold ? "FB" : "FR"} ${short(size * page.scale)} Tf (${quoted(letters)}) Tj`);
    return `BT ${rgb(fill)} rg ${points(page, [left, y])} Td ${runs.join(" ")} ET`;
  },
  image(page, { source, x, y, width, height, smooth }) {
    page.images.push({ source, smooth });
    const [w, h] = [width * page.scale, height * page.scale];
    return `${short(w)} 0 0 ${short(h)} ${short(x * page.scale)} ${short(page.height - y * page.scale - h)} cm /I${page.images.length} Do`;
  },
};

/** The parts of a text in Helvetica and in Symbol. */
function split(text) {
  const parts = [];
  for (const letter of text.normalize("NFC")) {
    const symbol = letter in GREEK;
    const code = symbol ? GREEK[letter] : (LATIN[letter] ?? (letter.charCodeAt(0) < 256 ? letter : "?"));
    if (parts.at(-1)?.symbol === symbol) parts.at(-1).letters += code;
    else parts.push({ letters: code, symbol });
  }
  return parts;
}

/** Width by the metrics of Helvetica where the system has them, or of Arial, which has the same. */
function textWidth(text, size, bold) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${bold ? "bold " : ""}${size}px Helvetica, Arial, "Liberation Sans", sans-serif`;
  return split(text).reduce((sum, { letters, symbol }) => sum + (symbol ? letters.length * SYMBOL_WIDTH * size : context.measureText(letters).width), 0);
}

function graphicsState(page, alpha) {
  if (alpha >= 1) return "";
  const value = short(alpha);
  if (!page.alphas.includes(value)) page.alphas.push(value);
  return `/A${page.alphas.indexOf(value) + 1} gs`;
}

async function fileOf({ images, alphas }, [width, height], content) {
  const fonts = ["Helvetica", "Helvetica-Bold"].map((name) => `<< /Type /Font /Subtype /Type1 /BaseFont /${name} /Encoding /WinAnsiEncoding >>`);
  const states = alphas.map((alpha) => `<< /Type /ExtGState /ca ${alpha} /CA ${alpha} >>`);
  const first = 4;
  const numbered = (names, from) => names.map((name, k) => `/${name} ${from + k} 0 R`).join(" ");
  const many = (letter, list) => list.map((_, k) => `${letter}${k + 1}`);
  const resources =
    `<< /Font << ${numbered(["FR", "FB", "FS"], first)} >> /ExtGState << ${numbered(many("A", alphas), first + 3)} >> ` +
    `/XObject << ${numbered(many("I", images), first + 3 + alphas.length)} >> >>`;
  const objects = [
    text("<< /Type /Catalog /Pages 2 0 R >>"),
    text("<< /Type /Pages /Kids [3 0 R] /Count 1 >>"),
    text(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${short(width)} ${short(height)}] /Resources ${resources} /Contents ${first + 3 + alphas.length + images.length} 0 R >>`),
    ...fonts.map(text),
    text("<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"),
    ...states.map(text),
    ...(await Promise.all(images.map(imageObject))),
    await stream("", bytes(content)),
  ];
  return new Blob(assembled(objects), { type: "application/pdf" });
}

/** The file: header, objects, cross-reference table and trailer. */
function assembled(objects) {
  const parts = [bytes("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")];
  let at = parts[0].length;
  const offsets = [];
  const put = (part) => (parts.push(part), (at += part.length));
  objects.forEach((object, k) => {
    offsets.push(at);
    put(bytes(`${k + 1} 0 obj\n`));
    object.forEach(put);
    put(bytes("\nendobj\n"));
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  const start = at;
  put(bytes(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`));
  return parts;
}

async function imageObject({ source, smooth }) {
  const { width, height } = source;
  const { data } = source.getContext("2d").getImageData(0, 0, width, height);
  const pixels = new Uint8Array(3 * width * height);
  for (let k = 0; k < width * height; k++)
    for (let c = 0; c < 3; c++) pixels[3 * k + c] = 255 + ((data[4 * k + c] - 255) * data[4 * k + 3]) / 255;
  return stream(`/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Interpolate ${smooth} `, pixels);
}

async function stream(entries, content) {
  const packed = new Blob([content]).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  return [bytes(`<< ${entries}/Filter /FlateDecode /Length ${body.length} >>\nstream\n`), body, bytes("\nendstream")];
}

const text = (content) => [bytes(content)];
const bytes = (letters) => Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
const quoted = (letters) => letters.replace(/[\\()]/g, "\\$&");
const short = (value) => String(Math.round(value * 1000) / 1000);
const points = (page, numbers) => numbers.map((value, k) => short(k % 2 ? page.height - value * page.scale : value * page.scale)).join(" ");
const box = (page, { x, y, width, height }) => `${points(page, [x, y + height])} ${short(width * page.scale)} ${short(height * page.scale)}`;
const rgb = (color) => [1, 3, 5].map((at) => short(parseInt(color.slice(at, at + 2), 16) / 255)).join(" ");
