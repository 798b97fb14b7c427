/**
 * The client's session: one identity over all partitions (L3). It attaches to a partition before the first write there;
 * sequences, the mark and the lease are counted per partition (R22, L3).
 */

import type { Random } from '../base/ports.ts';
import { SESSION_BYTES } from '../protocol/client-codec.ts';
import type { LeaseBoard } from './renewal/lease-board.ts';

/** Sequences go round the 32-bit integers and leave this one out. */
export const NO_SEQUENCE = 0;

/** What the session is in one partition. */
export class Attachment {
  epoch = 0;
  operation = 0;
  attached = false;
  /** ATCH is under way. */
  attaching = false;
  /** Next sequence to give. */
  #next = 1;
  /** Lowest sequence without an answer. */
  mark = 1;
  readonly #answered: Set<number> = new Set();
  /** It was given up as lost, and none has taken its place. */
  #givenUp = false;
  readonly #partition: number;
  #leaseUntilMs = 0;
  /** Where another thread counts the lease, too; null: none does. */
  #board: LeaseBoard | null = null;

  constructor(partition = 0) {
    this.#partition = partition;
  }

  /** Monotonic milliseconds until which the node surely keeps the session, counted from when the renewal was sent (L4). */
  get leaseUntilMs(): number {
    return this.#board === null ? this.#leaseUntilMs : this.#board.untilMs(this.#partition);
  }

  /** The present attachment was renewed. */
  renewed(untilMs: number): void {
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, untilMs);
    this.#board?.affirm(this.#partition, untilMs);
  }

  /** From now on the lease stands on the board, where others may renew it. */
  share(board: LeaseBoard): void {
    if (!board.has(this.#partition)) return;
    if (this.attached) board.begin(this.#partition, this.#leaseUntilMs);
    this.#board = board;
  }

  /** Another thread has heard from the node that it knows the session no longer. */
  get isForgotten(): boolean {
    return this.#board?.isForgotten(this.#partition) === true;
  }

  takeSequence(): number {
    const sequence = this.#next;
    this.#next = (this.#next + 1) | 0;
    if (sequence !== NO_SEQUENCE) return sequence;
    this.answered(NO_SEQUENCE);
    return this.takeSequence();
  }

  /** `sequence` needs no record any more: it was answered, given up, or queued as a wait. */
  answered(sequence: number): void {
    if (sequence !== this.mark) {
      if (((sequence - this.mark) | 0) > 0) this.#answered.add(sequence);
      return;
    }
    do {
      this.mark = (this.mark + 1) | 0;
    } while (this.#answered.size > 0 && this.#answered.delete(this.mark));
  }

  /** The node knows this attachment by its entry. */
  attachedAt(epoch: number, operation: number, leaseUntilMs: number): void {
    const isNew = epoch !== this.epoch || operation !== this.operation;
    this.#givenUp = false;
    this.epoch = epoch;
    this.operation = operation;
    this.attached = true;
    this.attaching = false;
    this.#leaseUntilMs = leaseUntilMs;
    this.#board?.begin(this.#partition, leaseUntilMs);
    if (!isNew) return; // its records are still there: sequences go on
    this.#next = 1;
    this.mark = 1;
    this.#answered.clear();
  }

  lost(): void {
    this.attached = false;
    this.#leaseUntilMs = 0;
    this.#board?.end(this.#partition);
    this.#givenUp = true;
  }

  /**
   * Whether the attachment (epoch, operation) is the one that was given up as lost: a primary had ended it and was deposed
   * before that was committed. What it held is held still, and nobody knows of it here: it has to end for certain.
   */
  isGivenUp(epoch: number, operation: number): boolean {
    return this.#givenUp && this.epoch === epoch && this.operation === operation;
  }

  is(epoch: number, operation: number): boolean {
    return this.attached && this.epoch === epoch && this.operation === operation;
  }
}

export class Session {
  readonly id: Uint8Array = new Uint8Array(SESSION_BYTES);
  readonly leaseMs: number;
  #attachments: (Attachment | null)[] = [];
  #board: LeaseBoard | null = null;

  /** `owner`: with which the ids of all sessions of the client begin. */
  constructor(leaseMs: number, random: Random, owner: Uint8Array) {
    random.fill(this.id);
    this.id.set(owner);
    this.leaseMs = leaseMs;
  }

  at(partition: number): Attachment {
    let found = this.#attachments[partition] ?? null;
    if (found === null) {
      found = new Attachment(partition);
      if (this.#board !== null) found.share(this.#board);
      this.#attachments[partition] = found;
    }
    return found;
  }

  /** Its leases are to be seen, and renewed, by another thread as well. */
  share(board: LeaseBoard): void {
    this.#board = board;
    for (const attachment of this.#attachments) attachment?.share(board);
  }

  /** Partitions it is attached to. */
  attached(): number[] {
    const partitions: number[] = [];
    this.#attachments.forEach((attachment, partition) => {
      if (attachment?.attached) partitions.push(partition);
    });
    return partitions;
  }
}
