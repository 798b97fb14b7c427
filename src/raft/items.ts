/**
 * The pieces of a record in the durable log. A record is written at once and is whole or absent; it brings the items of
 * one `Ready`, in this order, numbers big-endian:
 *
 *     1 hard state   term u48 | vote u48 | commit u48
 *     2 snapshot     index u48 | term u48 | file u32 | checksum u32 | bytes u32 | configuration length u16, bytes
 *                    names the snapshot's file; everything up to its index is gone from the log
 *     3 truncate     first u48                       this entry and all behind it are gone
 *     4 entries      first u48 | count u32, then each: term u48 | kind u8 | length u32 | data
 *     5 moved        segment u32                     the last item of a segment: the log goes on in that one
 */

import type { ByteReader } from '../base/byte-reader.ts';
import type { ByteWriter } from '../base/byte-writer.ts';
import { decodeConfiguration, encodeConfiguration } from './configuration.ts';
import type { Configuration, Entry, EntryKind, HardState } from './messages.ts';

export const ItemKind = { hardState: 1, snapshot: 2, truncate: 3, entries: 4, moved: 5 } as const;

const ENTRY_KIND_MAX = 2;

/** Where a snapshot lies, and how to tell that it is whole. */
export interface SnapshotReference {
  readonly index: number;
  readonly term: number;
  /** Number of its file; 0: the snapshot is empty and has none. */
  readonly file: number;
  readonly checksum: number;
  readonly bytes: number;
  readonly configuration: Configuration;
}

export interface Items {
  readonly hardState: HardState | null;
  readonly snapshot: SnapshotReference | null;
  /** 0: nothing is cut. */
  readonly truncateFrom: number;
  readonly entries: readonly Entry[];
  /** 0: the log does not move. */
  readonly movedTo: number;
}

export const noItems: Items = { hardState: null, snapshot: null, truncateFrom: 0, entries: [], movedTo: 0 };

export function writeItems(writer: ByteWriter, items: Items): void {
  if (items.hardState !== null) writeHardState(writer, items.hardState);
  if (items.snapshot !== null) writeReference(writer, items.snapshot);
  if (items.truncateFrom > 0) {
    writer.u8(ItemKind.truncate);
    writer.u48(items.truncateFrom);
  }
  if (items.entries.length > 0) writeEntries(writer, items.entries);
  if (items.movedTo > 0) {
    writer.u8(ItemKind.moved);
    writer.u32(items.movedTo);
  }
}

function writeHardState(writer: ByteWriter, { term, vote, commit }: HardState): void {
  writer.u8(ItemKind.hardState);
  for (const number of [term, vote, commit]) writer.u48(number);
}

function writeReference(writer: ByteWriter, reference: SnapshotReference): void {
  const { index, term, file, checksum, bytes, configuration } = reference;
  const encoded = encodeConfiguration(configuration);
  writer.u8(ItemKind.snapshot);
  writer.u48(index);
  writer.u48(term);
  writer.u32(file);
  writer.u32(checksum);
  writer.u32(bytes);
  writer.u16(encoded.length);
  writer.bytes(encoded);
}

function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.u8(ItemKind.entries);
  writer.u48((entries[0] as Entry).index);
  writer.u32(entries.length);
  for (const { term, kind, data } of entries) {
    writer.u48(term);
    writer.u8(kind);
    writer.u32(data.length);
    writer.bytes(data);
  }
}

/** Null: whole by its checksum, and yet no record of this format. */
export function readItems(reader: ByteReader): Items | null {
  let { hardState, snapshot, truncateFrom, entries, movedTo } = noItems;
  while (reader.left > 0 && !reader.isShort) {
    const kind = reader.u8();
    if (kind === ItemKind.hardState) hardState = { term: reader.u48(), vote: reader.u48(), commit: reader.u48() };
    else if (kind === ItemKind.snapshot) {
      snapshot = readReference(reader);
      if (snapshot === null) return null;
    } else if (kind === ItemKind.truncate) truncateFrom = reader.u48();
    else if (kind === ItemKind.entries) {
      const found = readEntries(reader);
      if (found === null) return null;
      entries = found;
    } else if (kind === ItemKind.moved) movedTo = reader.u32();
    else return null;
  }
  return reader.isComplete ? { hardState, snapshot, truncateFrom, entries, movedTo } : null;
}

function readReference(reader: ByteReader): SnapshotReference | null {
  const index = reader.u48();
  const term = reader.u48();
  const file = reader.u32();
  const checksum = reader.u32();
  const bytes = reader.u32();
  const configuration = decodeConfiguration(reader.bytes(reader.u16()));
  return configuration === null ? null : { index, term, file, checksum, bytes, configuration };
}

function readEntries(reader: ByteReader): Entry[] | null {
  const entries: Entry[] = [];
  const first = reader.u48();
  const count = reader.u32();
  for (let place = 0; place < count && !reader.isShort; place += 1) {
    const term = reader.u48();
    const kind = reader.u8();
    const data = reader.bytes(reader.u32());
    if (kind > ENTRY_KIND_MAX) return null;
    entries.push({ index: first + place, term, kind: kind as EntryKind, data });
  }
  return entries;
}
