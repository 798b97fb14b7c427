/**
 * One string of a line of JSON: where its bytes stand, and its escapes taken out. Used again for every line, so that a
 * chunk of many lines makes no object per line.
 */

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** What stands for the letter behind a backslash; 0: nothing does. */
export const UNESCAPED: Uint8Array = new Uint8Array(256);
for (const [letter, character] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'] as const) {
  UNESCAPED[(letter as string).charCodeAt(0)] = (character as string).charCodeAt(0);
}

export class Member {
  /** It has been given in this line. */
  given = false;
  /** What it says is base64. */
  base64 = false;
  escaped = false;
  source: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  #scratch: Uint8Array = new Uint8Array(0);

  set(source: Uint8Array, start: number, end: number, escaped: boolean): void {
    this.source = source;
    this.start = start;
    this.end = end;
    this.escaped = escaped;
  }

  /** Takes the escapes out. False: it has half of a surrogate pair, for which there are no bytes. */
  unescape(): boolean {
    if (!this.escaped) return true;
    const { source, end } = this;
    // Taken out, an escape is never longer than it was.
    if (this.#scratch.length < end - this.start) this.#scratch = new Uint8Array((end - this.start) * 2);
    const target = this.#scratch;
    let to = 0;
    for (let at = this.start; at < end; ) {
      const byte = source[at] as number;
      if (byte !== BACKSLASH) {
        target[to++] = byte;
        at += 1;
      } else if (source[at + 1] !== LETTER_U) {
        target[to++] = UNESCAPED[source[at + 1] as number] as number;
        at += 2;
      } else {
        const code = codePointAt(source, at, end);
        if (code < 0) return false;
        to = writeUtf8(code, target, to);
        at += code > 0xffff ? 12 : 6;
      }
    }
    this.set(target, 0, to, false);
    return true;
  }
}

/** The character of the `\uXXXX` at `at`, or of the pair of them; −1 for half a pair. */
function codePointAt(source: Uint8Array, at: number, end: number): number {
  const unit = hexUnit(source, at + 2);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || at + 12 > end || source[at + 6] !== BACKSLASH || source[at + 7] !== LETTER_U) return -1;
  const low = hexUnit(source, at + 8);
  if (low < 0xdc00 || low > 0xdfff) return -1;
  return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/** The number that four hexadecimal digits name; −1: they are none. */
export function hexUnit(source: Uint8Array, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index += 1) {
    const digit = hexDigit(source[index] as number);
    if (digit < 0) return -1;
    unit = (unit << 4) | digit;
  }
  return unit;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

function writeUtf8(code: number, target: Uint8Array, at: number): number {
  if (code < 0x80) {
    target[at] = code;
    return at + 1;
  }
  if (code < 0x800) {
    target[at] = 0xc0 | (code >> 6);
    target[at + 1] = 0x80 | (code & 63);
    return at + 2;
  }
  if (code < 0x10000) {
    target[at] = 0xe0 | (code >> 12);
    target[at + 1] = 0x80 | ((code >> 6) & 63);
    target[at + 2] = 0x80 | (code & 63);
    return at + 3;
  }
  target[at] = 0xf0 | (code >> 18);
  target[at + 1] = 0x80 | ((code >> 12) & 63);
  target[at + 2] = 0x80 | ((code >> 6) & 63);
  target[at + 3] = 0x80 | (code & 63);
  return at + 4;
}
