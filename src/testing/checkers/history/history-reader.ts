/**
 * Reads a history line by line and pairs each `ret` with its `call`, in whatever order they stand: threads that share a
 * file write their lines as they come.
 */

import { KeyvalError } from '../../../errors.ts';
import { asFields, type Fields, LineError } from './fields.ts';
import { type Answer, answer, parseAnswer, parseCall } from './line-parser.ts';
import { defaultMeta, type Meta, parseMeta } from './meta.ts';
import type { Operation } from './operation.ts';

export interface History {
  /** File name, or what else the lines came from; for messages. */
  readonly source: string;
  readonly meta: Meta;
  /** In the order of their call lines. */
  readonly operations: readonly Operation[];
}

/**
 * @param lines without line ends; empty lines are passed over
 * @throws KeyvalError KV_USAGE `source:line: …` for a line that is not kvh/1, and for a history without operations
 */
export function readHistory(lines: Iterable<string>, source: string): History {
  const reader = new HistoryReader(source);
  for (const line of lines) reader.take(line);
  return reader.end();
}

class HistoryReader {
  readonly #source: string;
  readonly #operations: Operation[] = [];
  readonly #byId = new Map<number, Operation>();
  readonly #answered = new Set<number>();
  /** Answers that came before their calls. */
  readonly #early = new Map<number, Answer>();
  #meta: Meta | null = null;
  #line = 0;

  constructor(source: string) {
    this.#source = source;
  }

  take(line: string): void {
    this.#line++;
    if (line.trim() === '') return;
    try {
      this.#takeJson(asFields(JSON.parse(line), 'the line'));
    } catch (error) {
      if (error instanceof LineError || error instanceof SyntaxError) throw this.#malformed(this.#line, error.message);
      throw error;
    }
  }

  end(): History {
    for (const early of this.#early.values()) throw this.#malformed(early.line, `id ${early.id} was never called`);
    if (this.#operations.length === 0) throw this.#malformed(this.#line, 'the history holds no operation');
    const meta = this.#meta ?? defaultMeta;
    for (const operation of this.#operations) operation.settle(meta.skewNs, meta.lateNs);
    return { source: this.#source, meta, operations: this.#operations };
  }

  #takeJson(json: Fields): void {
    const type = json.t;
    if (type === 'call') this.#takeCall(parseCall(json, this.#line));
    else if (type === 'ret') this.#takeAnswer(parseAnswer(json, this.#line));
    else if (type === 'meta') this.#takeMeta(json);
    else if (type !== 'note') throw new LineError(`"t" is ${JSON.stringify(type)}; it must be call, ret, meta or note`);
  }

  #takeCall(operation: Operation): void {
    const { id } = operation;
    if (this.#byId.has(id)) throw new LineError(`id ${id} was called before; an id belongs to one operation`);
    this.#byId.set(id, operation);
    this.#operations.push(operation);
    const early = this.#early.get(id);
    if (early === undefined) return;
    this.#early.delete(id);
    answer(operation, early);
  }

  #takeAnswer(reply: Answer): void {
    if (this.#answered.has(reply.id)) throw new LineError(`id ${reply.id} was answered before`);
    this.#answered.add(reply.id);
    const operation = this.#byId.get(reply.id);
    if (operation === undefined) this.#early.set(reply.id, reply);
    else answer(operation, reply);
  }

  #takeMeta(json: Fields): void {
    if (this.#meta !== null) throw new LineError('a second meta line');
    this.#meta = parseMeta(json);
  }

  #malformed(line: number, message: string): KeyvalError {
    return new KeyvalError('KV_USAGE', `${this.#source}:${line}: ${message}`);
  }
}
