/** The entry that a partition's state applies at the moment: where it lies, and the fields that several kinds share. */
import { readI32, readU16, readU32, readU48 } from '../base/bytes.ts';
import * as layout from '../replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../replication/replication-log.ts';

export class EntryView {
  data: Uint8Array = new Uint8Array(0);
  /** Where its body begins. */
  body = 0;
  /** Where it ends; what has been read from its end is taken off. */
  end = 0;
  epoch = 0;
  operation = 0;
  timeMs = 0;

  read(log: ReplicationLog, position: number): void {
    this.data = log.data;
    this.body = log.offset(position) + ENTRY_HEAD_BYTES;
    this.end = log.offset(position) + log.length(position);
    this.epoch = log.epoch(position);
    this.operation = log.operation(position);
    this.timeMs = log.timeMs(position);
  }

  // ---- of a client's write

  hasFlag(flag: number): boolean {
    return ((this.data[this.body + layout.ENTRY_FLAGS] as number) & flag) !== 0;
  }

  get hasFlags(): boolean {
    return this.data[this.body + layout.ENTRY_FLAGS] !== 0;
  }

  get span(): number {
    return readU48(this.data, this.body + layout.ENTRY_SPAN);
  }

  /** The revision that it names. */
  get namedEpoch(): number {
    return readU32(this.data, this.body + layout.ENTRY_EPOCH);
  }

  get namedOperation(): number {
    return readI32(this.data, this.body + layout.ENTRY_OPERATION);
  }

  get keyStart(): number {
    return this.body + layout.ENTRY_KEY;
  }

  get keyEnd(): number {
    return this.keyStart + readU16(this.data, this.body + layout.ENTRY_KEY_LENGTH);
  }
}
