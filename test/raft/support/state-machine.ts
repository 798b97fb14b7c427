/** The state that members apply entries to: a chain of hashes, so that one number tells whether two histories are equal. */
import { ByteReader } from '../../../src/base/byte-reader.ts';
import { ByteWriter } from '../../../src/base/byte-writer.ts';
import { crc32 } from '../../../src/base/crc32.ts';
import { type Entry, EntryKind } from '../../../src/raft/messages.ts';

export class StateMachine {
  index = 0;
  hash = 0;
  commands = 0;

  apply({ index, term, kind, data }: Entry): void {
    const writer = new ByteWriter();
    writer.u32(this.hash);
    writer.u48(index);
    writer.u48(term);
    writer.bytes(data);
    this.hash = crc32(writer.finish());
    this.index = index;
    if (kind === EntryKind.command) this.commands += 1;
  }

  save(): Uint8Array {
    const writer = new ByteWriter();
    writer.u48(this.index);
    writer.u32(this.hash);
    writer.u32(this.commands);
    return writer.finish();
  }

  load(data: Uint8Array): void {
    const reader = new ByteReader(data);
    this.index = reader.u48();
    this.hash = reader.u32();
    this.commands = reader.u32();
  }
}
