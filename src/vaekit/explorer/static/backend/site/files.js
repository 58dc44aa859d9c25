/**
 * Files of a page without a server: beside it, under data/ and ort/, or, where the page is one file, in it as
 * base64 under the same names.
 */

/** The bytes of base64. @param {string} text */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** The content of a file of data. @param {string} name @returns {Promise<Uint8Array>} */
export const data = (name) => file(`data/${name}`);

/** The content of any file of the page. */
export async function file(name) {
  const inside = document.getElementById(name);
  if (inside) return bytes(inside.textContent);
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: not found beside this page; write the page anew with vaekit export site.`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** A file of JSON. */
export const json = async (name) => JSON.parse(new TextDecoder().decode(await data(name)));

/** A picture. @returns {Promise<ImageBitmap>} */
export const picture = async (name) => createImageBitmap(new Blob([await data(name)]));
