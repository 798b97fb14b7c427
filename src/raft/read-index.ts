/**
 * Reads without the log (thesis 6.4): a read may be answered at the commit index of the moment it came, once a majority has
 * confirmed, by a round of heartbeats sent after that moment, that this leader still leads. All reads of one turn share a
 * round. Before the first entry of the own term is committed the commit index may lag behind: reads wait.
 */

import { FixedQueue } from '../base/fixed-queue.ts';
import type { NodeId } from './messages.ts';

export interface WaitingRead {
  readonly id: number;
  readonly from: NodeId;
}

interface RoundRead extends WaitingRead {
  readonly index: number;
  readonly round: number;
}

export class ReadIndex {
  /** No round was begun for them yet. */
  readonly #fresh: FixedQueue<WaitingRead>;
  /** Rounds grow from head to tail. */
  readonly #asked: FixedQueue<RoundRead>;

  constructor(readsMax: number) {
    this.#fresh = new FixedQueue(readsMax);
    this.#asked = new FixedQueue(readsMax);
  }

  /** False: too many wait already. */
  add(read: WaitingRead): boolean {
    return this.#fresh.push(read);
  }

  /** Whether a round is to be begun. */
  get wantsRound(): boolean {
    return this.#fresh.size > 0 && this.#asked.size < this.#asked.capacity;
  }

  /** A round begins: the reads that came before it wait for it, at the commit index of now. */
  begin(round: number, index: number): void {
    for (let left = this.#asked.capacity - this.#asked.size; left > 0; left -= 1) {
      const read = this.#fresh.shift();
      if (read === null) return;
      this.#asked.push({ id: read.id, from: read.from, index, round });
    }
  }

  /** A majority has answered this round: gives out what waited for it. */
  confirmed(round: number, answer: (read: WaitingRead, index: number) => void): void {
    for (let oldest = this.#asked.peek(); oldest !== null && oldest.round <= round; oldest = this.#asked.peek()) {
      this.#asked.shift();
      answer(oldest, oldest.index);
    }
  }

  /** Leadership was lost: gives back all that wait. */
  abandon(give: (read: WaitingRead) => void): void {
    for (const queue of [this.#asked, this.#fresh]) {
      for (let read = queue.shift(); read !== null; read = queue.shift()) give(read);
    }
  }
}
