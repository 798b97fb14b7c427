/**
 * The operations that have not been put in order yet, by call, as a linked list in two arrays ("dancing links", Knuth,
 * TAOCP 7.2.2.1): taking one out and putting it back in reverse order are a few stores each.
 *
 * An operation may come next when no other pending operation certainly finished before it began:
 *
 *     a  ├────┤
 *     b    ├──────┤          next: a or b; not c, since a is pending and a.ret < c.call
 *     c          ├───┤
 */

import type { RegisterOperation } from './register-operation.ts';

const END = -1;

export class PendingList {
  readonly #operations: readonly RegisterOperation[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #head: number;
  /** Order the operations of one client by its own clock too; needed only when the clients' clocks differ. */
  readonly #byClient: boolean;

  /** Least `ret` of the certain operations pending at the last `enabled()`; Infinity: none is left. */
  barrier: number = Number.POSITIVE_INFINITY;

  constructor(operations: readonly RegisterOperation[], byClient: boolean) {
    const { length } = operations;
    this.#operations = operations;
    this.#byClient = byClient;
    this.#next = Int32Array.from({ length }, (_, i) => (i + 1 < length ? i + 1 : END));
    this.#previous = Int32Array.from({ length }, (_, i) => i - 1);
    this.#head = length > 0 ? 0 : END;
  }

  remove(index: number): void {
    const next = this.#next[index] as number;
    const previous = this.#previous[index] as number;
    if (previous === END) this.#head = next;
    else this.#next[previous] = next;
    if (next !== END) this.#previous[next] = previous;
  }

  /** Undoes the latest `remove` that is not undone. */
  putBack(index: number): void {
    const next = this.#next[index] as number;
    const previous = this.#previous[index] as number;
    if (previous === END) this.#head = index;
    else this.#next[previous] = index;
    if (next !== END) this.#previous[next] = index;
  }

  /** The operations that may come next, by call. */
  enabled(): RegisterOperation[] {
    const enabled: RegisterOperation[] = [];
    this.barrier = Number.POSITIVE_INFINITY;
    for (let i = this.#head; i !== END; i = this.#next[i] as number) {
      const operation = this.#operations[i] as RegisterOperation;
      if (operation.call > this.barrier) break;
      if (operation.certain && operation.ret < this.barrier) this.barrier = operation.ret;
      enabled.push(operation);
    }
    return this.#byClient ? firstOfEachClient(enabled) : enabled;
  }
}

/** Without those that their own client sent after the answer to another one here. */
function firstOfEachClient(enabled: readonly RegisterOperation[]): RegisterOperation[] {
  const firstAnswer = new Map<string, number>();
  for (const { certain, source } of enabled) {
    if (!certain) continue;
    const first = firstAnswer.get(source.client) ?? Number.POSITIVE_INFINITY;
    firstAnswer.set(source.client, Math.min(first, source.answeredAt));
  }
  return enabled.filter(({ source }) => source.sentAt <= (firstAnswer.get(source.client) ?? Number.POSITIVE_INFINITY));
}
