/**
 * Blanks what is not code: comments, and the insides of strings, templates and regular expressions become spaces. Line
 * breaks and lengths stay, so that positions in the result are positions in the source. Code inside `${}` stays.
 *
 * A `/` begins a regular expression where no value can have ended: after an operator, an opening bracket or a keyword.
 */
export function blank(text: string): string {
  return new Blanker(text).run();
}

const wordsBeforeRegex = new Set(
  'return typeof case in of delete void throw new else do yield await instanceof'.split(' '),
);

class Blanker {
  readonly #text: string;
  #result = '';
  #position = 0;
  /** For each template that is open: how many braces are open in its current `${}`. */
  readonly #braces: number[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  run(): string {
    while (this.#position < this.#text.length) this.#step();
    return this.#result;
  }

  #step(): void {
    const char = this.#text.charAt(this.#position);
    const next = this.#text.charAt(this.#position + 1);
    if (char === '/' && next === '/') this.#hideUntil(this.#indexOr('\n', this.#position));
    else if (char === '/' && next === '*') this.#hideUntil(this.#indexOr('*/', this.#position + 2) + 2);
    else if (char === "'" || char === '"') this.#quoted(char);
    else if (char === '`') this.#template();
    else if (char === '/' && this.#regexMayBegin()) this.#regex();
    else if (char === '}' && this.#braces.at(-1) === 0) this.#endOfExpression();
    else this.#code(char);
  }

  #code(char: string): void {
    const open = this.#braces.length - 1;
    if (open >= 0 && char === '{') this.#braces[open] = (this.#braces[open] ?? 0) + 1;
    if (open >= 0 && char === '}') this.#braces[open] = (this.#braces[open] ?? 0) - 1;
    this.#show();
  }

  #quoted(quote: string): void {
    this.#show();
    while (this.#position < this.#text.length && !this.#at(quote) && !this.#at('\n')) this.#hideOne();
    this.#show();
  }

  /** From a template's backtick, or from the end of an expression in it, to its end or its next expression. */
  #template(): void {
    this.#show();
    while (this.#position < this.#text.length && !this.#at('`') && !this.#at('${')) this.#hideOne();
    if (this.#at('${')) {
      this.#show();
      this.#braces.push(0);
    }
    this.#show();
  }

  #endOfExpression(): void {
    this.#braces.pop();
    this.#template();
  }

  #regex(): void {
    this.#show();
    let inClass = false;
    while (this.#position < this.#text.length && !this.#at('\n') && (inClass || !this.#at('/'))) {
      if (this.#at('[')) inClass = true;
      if (this.#at(']')) inClass = false;
      this.#hideOne();
    }
    this.#show();
  }

  #regexMayBegin(): boolean {
    const before = this.#result.trimEnd();
    const word = /[\w$]+$/.exec(before)?.[0];
    if (word !== undefined) return wordsBeforeRegex.has(word);
    return !/[)\]}'"`]$/.test(before);
  }

  #at(text: string): boolean {
    return this.#text.startsWith(text, this.#position);
  }

  #indexOr(needle: string, from: number): number {
    const index = this.#text.indexOf(needle, from);
    return index < 0 ? this.#text.length : index;
  }

  #show(): void {
    this.#result += this.#text.charAt(this.#position++);
  }

  /** Hides a character, or a backslash and the character that it takes its meaning from. */
  #hideOne(): void {
    this.#hideUntil(this.#position + (this.#at('\\') ? 2 : 1));
  }

  #hideUntil(end: number): void {
    this.#result += this.#text.slice(this.#position, end).replace(/[^\n]/g, ' ');
    this.#position = end;
  }
}
