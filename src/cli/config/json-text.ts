/**
 * JSON (RFC 8259) as people write it into files: the value, and where in the text each part of it stands, so that a
 * mistake can be pointed at. `JSON.parse` names no line for most mistakes, and takes the second of two members of one
 * name without a word; here that is a mistake too.
 */

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export type JsonPath = readonly (string | number)[];

export class JsonMistake extends Error {
  readonly place: Place;

  constructor(message: string, place: Place) {
    super(message);
    this.place = place;
  }
}

export class JsonDocument {
  readonly value: unknown;
  readonly #text: string;
  readonly #offsets: ReadonlyMap<string, number>;

  /** @throws JsonMistake */
  constructor(text: string) {
    const reader = new Reader(text);
    this.value = reader.document();
    this.#text = text;
    this.#offsets = reader.offsets;
  }

  /** Where the value at `path` begins; of the nearest part that is there when it is not. */
  placeOf(path: JsonPath): Place {
    for (let length = path.length; length > 0; length -= 1) {
      const offset = this.#offsets.get(keyOf(path.slice(0, length)));
      if (offset !== undefined) return placeAt(this.#text, offset);
    }
    return placeAt(this.#text, this.#offsets.get(keyOf([])) ?? 0);
  }
}

/** Far more than any configuration has; the reader calls itself for each. */
const DEPTH_MAX = 64;

const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in texts, and this says so
const TEXT_START = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class Reader {
  readonly offsets: Map<string, number> = new Map();
  readonly #text: string;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    this.#skipBlanks();
    if (this.#at < this.#text.length) this.#fail(`${this.#found()} behind the end of the document`);
    return value;
  }

  #value(): unknown {
    this.#skipBlanks();
    this.offsets.set(keyOf(this.#path), this.#at);
    if (this.#path.length > DEPTH_MAX) this.#fail(`nested more than ${DEPTH_MAX} deep`);
    const next = this.#text[this.#at];
    if (next === '{') return this.#object();
    if (next === '[') return this.#array();
    if (next === '"') return this.#string();
    const number = this.#match(NUMBER);
    if (number !== null) return Number(number);
    return this.#word();
  }

  #word(): unknown {
    const start = this.#at;
    const word = this.#match(WORD);
    if (word !== null && words.has(word)) return words.get(word);
    this.#at = start;
    return this.#fail(`a value should stand here, not ${this.#found()}${this.#hint()}`);
  }

  #object(): unknown {
    const members = new Map<string, unknown>();
    this.#at += 1;
    if (this.#take('}')) return {};
    do {
      const start = this.#beforeNext('}');
      if (this.#text[start] !== '"')
        this.#fail(`the name of a member in double quotes should stand here, not ${this.#found()}${this.#hint()}`);
      const name = this.#string();
      if (members.has(name)) this.#fail(`the member ${JSON.stringify(name)} stands here a second time`, start);
      if (!this.#take(':')) this.#fail(`a : should stand behind the name of a member, not ${this.#found()}`);
      members.set(name, this.#inside(name));
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail(`a , or } should stand here, not ${this.#found()}${this.#hint()}`);
    return Object.fromEntries(members);
  }

  #array(): unknown {
    const entries: unknown[] = [];
    this.#at += 1;
    if (this.#take(']')) return entries;
    do {
      this.#beforeNext(']');
      entries.push(this.#inside(entries.length));
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail(`a , or ] should stand here, not ${this.#found()}${this.#hint()}`);
    return entries;
  }

  /** Where the next member or entry begins. */
  #beforeNext(close: string): number {
    this.#skipBlanks();
    if (this.#text[this.#at] === close) this.#fail(`a comma with nothing between it and the ${close}`);
    return this.#at;
  }

  #inside(step: string | number): unknown {
    this.#path.push(step);
    const value = this.#value();
    this.#path.pop();
    return value;
  }

  #string(): string {
    const start = this.#at;
    const text = this.#match(TEXT_START) ?? '';
    const stop = this.#text[this.#at];
    if (stop === '\\') this.#fail('JSON does not know this escape');
    if (stop === undefined || stop === '\n' || stop === '\r') this.#fail('a text without its closing "', start);
    if (stop !== '"') this.#fail(`a text cannot hold ${this.#found()} as it is`);
    this.#at += 1;
    return JSON.parse(`${text}"`) as string;
  }

  #take(sign: string): boolean {
    this.#skipBlanks();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #skipBlanks(): void {
    this.#match(BLANKS);
  }

  #match(form: RegExp): string | null {
    form.lastIndex = this.#at;
    const match = form.exec(this.#text);
    if (match === null) return null;
    this.#at = form.lastIndex;
    return match[0];
  }

  /** What stands at the place, in words. */
  #found(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) return 'the end of the file';
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    if (word !== undefined && word.length <= 20) return word;
    return code <= 0x20 || code === 0x7f
      ? `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`
      : String.fromCodePoint(code);
  }

  #hint(): string {
    const next = this.#text[this.#at];
    if (next === '/' || next === '#') return '; JSON has no comments';
    if (next === "'") return '; texts stand in double quotes';
    return '';
  }

  #fail(message: string, at: number = this.#at): never {
    throw new JsonMistake(message, placeAt(this.#text, at));
  }
}

function keyOf(path: JsonPath): string {
  return JSON.stringify(path);
}

function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
