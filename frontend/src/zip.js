/** A zip of files as they are (APPNOTE.TXT, method 0). */

const TABLE = Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const UTF8 = 0x0800;
// The first of January 1980, so that the same files make the same zip.
const DATE = 0x0021;

/** Numbers of two and four bytes, little endian. @param {[number, number][]} fields value and width */
function packed(fields) {
  const made = new DataView(new ArrayBuffer(fields.reduce((sum, [, width]) => sum + width, 0)));
  let at = 0;
  for (const [value, width] of fields) {
    if (width === 2) made.setUint16(at, value, true);
    else made.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(made.buffer);
}

/** The parts of a zip. @param {{name: string, bytes: Uint8Array}[]} files @returns {Uint8Array[]} */
export function zipped(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name);
    /** @type {[number, number][]} */
    const common = [
      [20, 2], [UTF8, 2], [0, 2], [0, 2], [DATE, 2],
      [crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [title.length, 2], [0, 2],
    ];
    const local = packed([[0x04034b50, 4], ...common]);
    parts.push(local, title, bytes);
    directory.push(packed([[0x02014b50, 4], [20, 2], ...common, [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), title);
    at += local.length + title.length + bytes.length;
  }
  const length = directory.reduce((sum, part) => sum + part.length, 0);
  const end = packed([[0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [length, 4], [at, 4], [0, 2]]);
  return [...parts, ...directory, end];
}
