/**
 * What a node has in memory, against its limit (--max-memory). Blocks in the arena are counted as they are used; what lies
 * outside it (large values, columns, logs, pieces, sessions) is measured now and then.
 */
import type { Arena } from '../base/arena.ts';

/** From this share of the limit on the node tells the others that it is full. */
const FULL_SHARE = 0.99;
/** Sessions may take this share of the limit although the rest is used up: clients that are new must be able to delete. */
const SESSIONS_SHARE = 0.1;

interface Measured {
  readonly log: { readonly bytes: number };
  readonly state: { readonly bytes: number; readonly attachments: { readonly bytes: number } };
}

export class NodeMemory {
  /** The node has reached its limit. */
  full = false;
  readonly #arena: Arena;
  /** 0: no limit. */
  readonly #bytesMax: number;
  #otherBytes = 0;
  #sessionBytes = 0;

  constructor(arena: Arena, bytesMax: number) {
    this.#arena = arena;
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#arena.usedBytes + this.#otherBytes;
  }

  hasRoom(bytes: number): boolean {
    return this.#bytesMax === 0 || this.usedBytes + bytes <= this.#bytesMax;
  }

  /** Whether a session may attach although there is no room for anything else. */
  get hasRoomForSession(): boolean {
    return this.#sessionBytes < this.#bytesMax * SESSIONS_SHARE;
  }

  /** Sets memory aside until the next measurement finds it; false: there is none. */
  reserve(bytes: number): boolean {
    if (!this.hasRoom(bytes)) return false;
    this.#otherBytes += bytes;
    return true;
  }

  /** `onTheWay`: bytes of values and texts that no partition has yet. */
  measure(partitions: Iterable<Measured | null>, onTheWay: number): void {
    let bytes = onTheWay;
    let sessions = 0;
    for (const partition of partitions) {
      if (partition === null) continue;
      bytes += partition.log.bytes + partition.state.bytes;
      sessions += partition.state.attachments.bytes;
    }
    this.#otherBytes = bytes - this.#arena.usedBytes;
    this.#sessionBytes = sessions;
    this.full = this.#bytesMax > 0 && this.usedBytes >= this.#bytesMax * FULL_SHARE;
  }
}
