/**
 * Reads one line of JSON (RFC 8259): an object with the members of a row and no others. It notes where the members stand
 * and copies nothing. What is wrong with a line is a code and a text in fields rather than an exception: a chunk may
 * consist of wrong lines.
 */
import { isUtf8 } from 'node:buffer';
import { bytesEqual } from '../base/bytes.ts';
import type { Code } from '../errors.ts';
import { hexUnit, Member, UNESCAPED } from './member.ts';
import { TTL_MS_LIMIT } from './rows.ts';

export const LineStatus = { row: 0, empty: 1, wrong: 2 } as const;

const ascii = new TextEncoder();
const text = new TextDecoder('utf-8', { ignoreBOM: true });
const KEY = ascii.encode('key');
const KEY_64 = ascii.encode('key64');
const VALUE = ascii.encode('value');
const VALUE_64 = ascii.encode('value64');
const TTL = ascii.encode('ttlMs');

const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** A number of more characters is none that a row could have. */
const NUMBER_CHARACTERS_MAX = 32;
const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;
/** Of a name that is not known, this much is shown. */
const NAME_SHOWN_MAX = 40;

export class LineReader {
  readonly key: Member = new Member();
  readonly value: Member = new Member();
  ttlMs = 0;
  /** What is wrong, when `read` says so. */
  code: Code = 'KV_BAD_REQUEST';
  message = '';
  readonly #bytes: Uint8Array;
  /** The whole text is valid UTF-8, so each line is. */
  readonly #allValid: boolean;
  readonly #name: Member = new Member();
  #ttlGiven = false;
  #lineStart = 0;
  #at = 0;
  #end = 0;

  constructor(bytes: Uint8Array, allValid: boolean) {
    this.#bytes = bytes;
    this.#allValid = allValid;
  }

  /** Reads the line `[start, end)`. Gives a LineStatus. */
  read(start: number, end: number): number {
    this.#lineStart = start;
    this.#at = start;
    this.#end = end;
    this.key.given = false;
    this.value.given = false;
    this.#ttlGiven = false;
    this.ttlMs = 0;
    if (this.#skip() === end) return LineStatus.empty;
    return this.#line() ? LineStatus.row : LineStatus.wrong;
  }

  /** False, with what is wrong in `code` and `message`. */
  wrong(message: string, code: Code = 'KV_BAD_REQUEST'): false {
    this.code = code;
    this.message = message;
    return false;
  }

  #expected(what: string): false {
    const where = this.#at < this.#end ? `at column ${this.#at - this.#lineStart + 1}` : 'where the line ends';
    return this.wrong(`this is no JSON object: ${what} is expected ${where}`);
  }

  #line(): boolean {
    const valid = this.#allValid || isUtf8(this.#bytes.subarray(this.#lineStart, this.#end));
    if (!valid) return this.wrong('the line is not valid UTF-8; bytes that are no text go into key64 and value64');
    if (!this.#take(OPEN)) return this.#expected("'{'");
    if (!this.#members()) return false;
    if (this.#skip() !== this.#end) return this.#expected('the end of the line');
    if (!this.key.given) return this.wrong("there is no key: give 'key' or 'key64'");
    return this.value.given || this.wrong("there is no value: give 'value' or 'value64'");
  }

  #members(): boolean {
    if (this.#take(CLOSE)) return true;
    do {
      if (!this.#member()) return false;
    } while (this.#take(COMMA));
    return this.#take(CLOSE) || this.#expected("',' or '}'");
  }

  #member(): boolean {
    const name = this.#name;
    this.#skip();
    if (!this.#string(name, 'a name in quotes')) return false;
    if (!name.unescape()) return this.#halfPair('a name');
    if (!this.#take(COLON)) return this.#expected("':'");
    this.#skip();
    if (isCalled(name, KEY)) return this.#text(this.key, 'key', false);
    if (isCalled(name, VALUE)) return this.#text(this.value, 'value', false);
    if (isCalled(name, TTL)) return this.#ttl();
    if (isCalled(name, KEY_64)) return this.#text(this.key, 'key', true);
    if (isCalled(name, VALUE_64)) return this.#text(this.value, 'value', true);
    return this.wrong(`there is no member '${shown(name)}'; a row has key or key64, value or value64, and ttlMs`);
  }

  #text(member: Member, name: string, base64: boolean): boolean {
    const own = base64 ? `${name}64` : name;
    if (member.given) {
      const both = member.base64 === base64 ? `'${own}' is given twice` : `'${name}' and '${name}64' are both given`;
      return this.wrong(`${both}; give one`);
    }
    if (this.#at < this.#end && this.#bytes[this.#at] !== QUOTE) return this.wrong(`'${own}' is a string in quotes`);
    if (!this.#string(member, `the string of '${own}'`)) return false;
    member.given = true;
    member.base64 = base64;
    return member.unescape() || this.#halfPair(`'${own}'`);
  }

  #halfPair(what: string): false {
    return this.wrong(`${what} has half of a surrogate pair, which is no character; bytes go into key64 and value64`);
  }

  /** A string in quotes: where it stands. */
  #string(member: Member, what: string): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    if (this.#at === end || bytes[this.#at] !== QUOTE) return this.#expected(what);
    const start = this.#at + 1;
    let escaped = false;
    let at = start;
    for (; at < end; at += 1) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        const length = this.#escapeLength(at);
        if (length === 0) return false;
        escaped = true;
        at += length - 1;
      } else if (byte < SPACE) {
        return this.wrong(
          `a control character at column ${at - this.#lineStart + 1}; in JSON it is written as an escape`,
        );
      }
    }
    this.#at = at + 1;
    if (at >= end) return this.wrong('a string has no closing quote');
    member.set(bytes, start, at, escaped);
    return true;
  }

  /** Characters of the escape at `at`; 0: it is none. */
  #escapeLength(at: number): number {
    const letter = at + 1 < this.#end ? (this.#bytes[at + 1] as number) : 0;
    if (UNESCAPED[letter] !== 0) return 2;
    if (letter === LETTER_U && at + 6 <= this.#end && hexUnit(this.#bytes, at + 2) >= 0) return 6;
    this.wrong(`an escape that JSON does not have, at column ${at - this.#lineStart + 1}`);
    return 0;
  }

  #ttl(): boolean {
    if (this.#ttlGiven) return this.wrong("'ttlMs' is given twice; give one");
    this.#ttlGiven = true;
    const start = this.#at;
    while (this.#at < this.#end && !endsNumber(this.#bytes[this.#at] as number)) this.#at += 1;
    const token = text.decode(this.#bytes.subarray(start, Math.min(this.#at, start + NUMBER_CHARACTERS_MAX)));
    const ttlMs = this.#at - start <= NUMBER_CHARACTERS_MAX && JSON_NUMBER.test(token) ? Number(token) : Number.NaN;
    if (!(Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs < TTL_MS_LIMIT)) {
      return this.wrong(`'ttlMs' is a whole number of milliseconds above 0 and below 2^47, not ${token}`);
    }
    this.ttlMs = ttlMs;
    return true;
  }

  /** Passes white space. Gives where it is now. */
  #skip(): number {
    const bytes = this.#bytes;
    while (this.#at < this.#end && isSpace(bytes[this.#at] as number)) this.#at += 1;
    return this.#at;
  }

  /** Passes white space and the character, if it comes next. */
  #take(character: number): boolean {
    if (this.#skip() === this.#end || this.#bytes[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CARRIAGE_RETURN;
}

function endsNumber(byte: number): boolean {
  return byte === COMMA || byte === CLOSE || isSpace(byte);
}

function isCalled(name: Member, known: Uint8Array): boolean {
  return name.end - name.start === known.length && bytesEqual(name.source, name.start, known, 0, known.length);
}

function shown(name: Member): string {
  const whole = text.decode(name.source.subarray(name.start, name.end));
  return whole.length > NAME_SHOWN_MAX ? `${whole.slice(0, NAME_SHOWN_MAX)}…` : whole;
}
