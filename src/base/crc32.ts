/**
 * CRC-32 (ISO-HDLC: polynomial 0x04C11DB7 reflected, start and end inverted), as zlib, gzip and PNG have it. By table, a
 * byte at a time: it checks kilobytes of the control plane, in cores that know no zlib.
 */

const POLYNOMIAL_REFLECTED = 0xedb88320;

const table: Uint32Array = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL_REFLECTED : rest >>> 1;
  table[byte] = rest;
}

/** The checksum of `bytes[start, end)`; `before` is the checksum of what stands in front of them. */
export function crc32(bytes: Uint8Array, start = 0, end: number = bytes.length, before = 0): number {
  let rest = ~before;
  for (let at = start; at < end; at += 1) {
    rest = (rest >>> 8) ^ (table[(rest ^ (bytes[at] as number)) & 0xff] as number);
  }
  return ~rest >>> 0;
}
