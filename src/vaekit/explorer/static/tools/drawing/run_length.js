/**
 * Run-length encoding of bytes as short text for an address: (byte, length) pairs in URL-safe base64.
 */

/** @param {Uint8Array} bytes */
export function encodeRuns(bytes) {
  const pairs = [];
  for (let at = 0; at < bytes.length;) {
    let end = at + 1;
    while (end < bytes.length && end - at < 255 && bytes[end] === bytes[at]) end++;
    pairs.push(bytes[at], end - at);
    at = end;
  }
  return btoa(String.fromCharCode(...pairs))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}

/** The bytes of a text; null if they are not exactly `size`. */
export function decodeRuns(text, size) {
  const pairs = decodeBase64(text);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (let k = 0; k + 1 < pairs.length; k += 2) {
    if (at + pairs[k + 1] > size) return null;
    bytes.fill(pairs[k], at, (at += pairs[k + 1]));
  }
  return at === size ? bytes : null;
}

function decodeBase64(text) {
  try {
    const letters = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
