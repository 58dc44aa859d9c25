/**
 * Files of a static page: beside it under data/ and ort/, or, in a single file, embedded under the same names,
 * compressed by gzip, as base64.
 */

/** The bytes of base64. @param {string} text */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The content of a data file. @param {string} name @returns {Promise<Uint8Array>} */
export const data = (name) => file(`data/${name}`);

/** The content of any file of the page. */
export async function file(name) {
  const embedded = document.getElementById(name);
  if (embedded) return unpacked(bytes(embedded.textContent));
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: not found beside this page; write the page again with vaekit export site.`);
  return new Uint8Array(await response.arrayBuffer());
}

async function unpacked(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A data file of JSON. */
export const json = async (name) => JSON.parse(new TextDecoder().decode(await data(name)));

/** An image file. @returns {Promise<ImageBitmap>} */
export const picture = async (name) => createImageBitmap(new Blob([await data(name)]));
