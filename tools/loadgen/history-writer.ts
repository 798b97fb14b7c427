/**
 * Writes a client history (format kvh/1) as it happens: a line when a request is about to be sent, a line when its answer
 * has come. Lines are gathered and written in blocks, so that memory stays bounded however long the run.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { KeyvalError } from '../../src/errors.ts';

/** Written when so many characters have gathered: few system calls, and little is held. */
const BLOCK_CHARACTERS = 256 * 1024;

export type Outcome = 'ok' | 'fail' | 'unknown';

export interface HistoryWriterOptions {
  readonly path: string;
  /** The stamps of the lines, ns. */
  readonly nowNs: () => number;
  /** Ids are `writer`, `writer + writers`, …: unique over all writers of a history. */
  readonly writer: number;
  readonly writers: number;
}

export class HistoryWriter {
  readonly #file: number;
  readonly #nowNs: () => number;
  readonly #step: number;
  #nextId: number;
  #text = '';

  /** @throws KeyvalError KV_USAGE when the file cannot be written */
  constructor({ path, nowNs, writer, writers }: HistoryWriterOptions) {
    this.#file = open(path);
    this.#nowNs = nowNs;
    this.#nextId = writer;
    this.#step = writers;
  }

  /**
   * Call it right before sending. Returns the id of the operation.
   * @param target the key as `"k":"…"` and level, followed by a comma; empty for operations of a session
   * @param question the members of `a`
   */
  call(client: string, kind: string, target: string, question: string): number {
    const id = this.#nextId;
    this.#nextId += this.#step;
    this.#line(
      `{"t":"call","id":${id},"p":"${client}","ts":${this.#nowNs()},"f":"${kind}",${target}"a":{${question}}}\n`,
    );
    return id;
  }

  /** @param answer the members of `o`, which only `ok` has */
  ret(id: number, outcome: Outcome, answer = ''): void {
    this.#line(`{"t":"ret","id":${id},"ts":${this.#nowNs()},"r":"${outcome}","o":{${answer}}}\n`);
  }

  /** @param meta the members of the meta line besides its type and format */
  meta(meta: Readonly<Record<string, unknown>>): void {
    this.#line(`${JSON.stringify({ t: 'meta', fmt: 'kvh/1', ...meta })}\n`);
  }

  #line(line: string): void {
    this.#text += line;
    if (this.#text.length >= BLOCK_CHARACTERS) this.#flush();
  }

  #flush(): void {
    let rest = Buffer.from(this.#text);
    this.#text = '';
    while (rest.length > 0) rest = rest.subarray(writeSync(this.#file, rest));
  }

  close(): void {
    this.#flush();
    closeSync(this.#file);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw new KeyvalError('KV_USAGE', `--history: ${(cause as Error).message}`, { cause });
  }
}
