/** An archive of files that are stored without compression, as NumPy reads them from an NPZ file. */

/** @param {Object<string, Uint8Array>} files @returns {Blob} */
export function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const letters = new TextEncoder().encode(name);
    const facts = [checksum(content), content.length, content.length];
    const local = header(0x04034b50, [20, 0, 0, 0, 33], facts, [letters.length, 0]);
    parts.push(local, letters, content);
    directory.push(header(0x02014b50, [20, 20, 0, 0, 0, 33], facts, [letters.length, 0, 0, 0, 0], [0, offset]), letters);
    offset += local.length + letters.length + content.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = Object.keys(files).length;
  const end = header(0x06054b50, [0, 0, count, count], [size, offset], [0]);
  return new Blob([...parts, ...directory, end], { type: "application/octet-stream" });
}

/** A signature, numbers of 2 bytes, of 4, of 2, and of 4 again. */
function header(signature, ...groups) {
  const sizes = [2, 4, 2, 4];
  const length = 4 + groups.reduce((sum, group, k) => sum + group.length * sizes[k], 0);
  const view = new DataView(new ArrayBuffer(length));
  view.setUint32(0, signature, true);
  let at = 4;
  groups.forEach((group, k) =>
    group.forEach((value) => {
      if (sizes[k] === 2) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
      at += sizes[k];
    }),
  );
  return new Uint8Array(view.buffer);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32. */
function checksum(content) {
  let crc = 0xffffffff;
  for (const byte of content) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
