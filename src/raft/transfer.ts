/**
 * Handing leadership to a chosen voter (thesis 3.10): the leader takes no more proposals, waits until the target holds its
 * whole log, and tells it to stand for election at once. After an election time-out it gives up and leads on.
 */

import type { NodeId } from './messages.ts';

export class Transfer {
  readonly target: NodeId;
  readonly #giveUpMs: number;
  #isTold = false;

  constructor(target: NodeId, giveUpMs: number) {
    this.target = target;
    this.#giveUpMs = giveUpMs;
  }

  get dueMs(): number {
    return this.#giveUpMs;
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#giveUpMs;
  }

  /** True once, when the target holds everything: it is to be told. */
  isReady(match: number, lastIndex: number): boolean {
    if (this.#isTold || match < lastIndex) return false;
    this.#isTold = true;
    return true;
  }
}
