/**
 * Keys that are due at the primary (R23): their expiry is appended like any write, and only its commit removes them.
 */
import { writeU16, writeU32 } from '../base/bytes.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { EXPIRE_KEY, EXPIRE_KEY_LENGTH } from '../replication/entry-layout.ts';
import type { Primary } from '../replication/primary.ts';
import type { KeyTable } from '../store/key-table.ts';

export class KeyExpiry {
  readonly #keys: KeyTable;
  readonly #primary: Primary;
  /** Slots whose expiry is appended and not yet applied, with its position. */
  readonly #pending: Map<number, number> = new Map();

  constructor(keys: KeyTable, primary: Primary) {
    this.#keys = keys;
    this.#primary = primary;
  }

  /** Position of the expiry of `slot` that is under way, or −1. */
  pending(slot: number): number {
    return this.#pending.get(slot) ?? -1;
  }

  /** Appends the expiry of `slot`, which is due and not under way. */
  append(slot: number, nowMs: number): number {
    const keys = this.#keys;
    const keyLength = keys.keyLength(slot);
    const body = new Uint8Array(EXPIRE_KEY + keyLength);
    writeU32(body, 0, keys.epoch(slot));
    writeU32(body, 4, keys.operation(slot));
    writeU16(body, EXPIRE_KEY_LENGTH, keyLength);
    keys.copyKey(slot, body, EXPIRE_KEY);
    const position = this.#primary.append(EntryKind.expireKey, nowMs, body, 0, body.length);
    this.#pending.set(slot, position);
    return position;
  }

  /** The entry at `position` was applied. */
  applied(position: number): void {
    for (const [slot, pending] of this.#pending) if (pending === position) this.#pending.delete(slot);
  }
}
