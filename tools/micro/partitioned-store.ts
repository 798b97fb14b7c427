/** The keys of a node as it keeps them: a table per partition, all over one arena, and the way from a key to its table. */
import { Arena } from '../../src/base/arena.ts';
import { hashSlot, partitionShift } from '../../src/base/hash-slot.ts';
import { KeyTable } from '../../src/store/key-table.ts';
import { KEY_BYTES, VALUE_BYTES } from './data.ts';

export class PartitionedStore {
  readonly arena: Arena = new Arena();
  readonly tables: readonly KeyTable[];
  readonly #shift: number;
  #operation = 0;

  constructor(partitions: number) {
    this.tables = Array.from({ length: partitions }, () => new KeyTable(this.arena));
    this.#shift = partitionShift(partitions);
  }

  get size(): number {
    return this.tables.reduce((sum, table) => sum + table.size, 0);
  }

  /** The table of the key at `keys[at]`. */
  tableOf(keys: Uint8Array, at: number): KeyTable {
    return this.tables[hashSlot(keys, at, at + KEY_BYTES) >>> this.#shift] as KeyTable;
  }

  put(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number): void {
    const table = this.tableOf(keys, keyAt);
    const operation = ++this.#operation;
    table.put(keys, keyAt, keyAt + KEY_BYTES, values, valueAt, valueAt + VALUE_BYTES, 1, operation, 0);
  }

  /** Copies the value to the start of `target`; false: no such key. */
  get(keys: Uint8Array, keyAt: number, target: Uint8Array): boolean {
    const table = this.tableOf(keys, keyAt);
    const slot = table.find(keys, keyAt, keyAt + KEY_BYTES);
    if (slot < 0) return false;
    table.copyValue(slot, target, 0);
    return true;
  }

  remove(keys: Uint8Array, keyAt: number): boolean {
    const table = this.tableOf(keys, keyAt);
    const slot = table.find(keys, keyAt, keyAt + KEY_BYTES);
    if (slot < 0) return false;
    table.remove(slot);
    return true;
  }
}
