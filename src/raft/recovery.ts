/**
 * Reading a durable log after a start, stopped or crashed. What a crash can leave is repaired: a torn last record, the
 * former segment beside the new one. Everything else is damage, and refused with the file and the place.
 */

import { crc32 } from '../base/crc32.ts';
import type { Disk, DiskStep } from '../base/ports.ts';
import type { Identity } from './identity.ts';
import type { Items, SnapshotReference } from './items.ts';
import type { DurableState, Entry, HardState } from './messages.ts';
import { DISK_FORMAT, decodeSegmentHeader, scanRecords } from './segment.ts';
import { damaged, missing, newerFormat, otherCluster } from './state-errors.ts';

export function segmentName(segment: number): string {
  return `log-${String(segment).padStart(8, '0')}`;
}

export function snapshotName(file: number): string {
  return `snapshot-${String(file).padStart(8, '0')}`;
}

export interface Recovered {
  readonly state: DurableState;
  readonly reference: SnapshotReference;
  readonly segment: number;
  readonly segmentBytes: number;
  readonly records: number;
  /** What is to be done before anything is written. */
  readonly repairs: readonly DiskStep[];
  /** Bytes of a torn tail; 0: there was none. */
  readonly tornBytes: number;
}

/** @throws KeyvalError KV_STATE, KV_VERSION, KV_WRONG_CLUSTER: this node must not vote or lead */
export function recover(disk: Disk, identity: Identity): Recovered {
  const names = disk.list();
  const newest = names
    .filter((name) => /^log-\d{8}$/.test(name))
    .sort()
    .at(-1);
  if (newest === undefined) throw missing(disk.path, segmentName(1), 'the directory has an identity, but no log');
  const segment = Number(newest.slice('log-'.length));
  const bytes = disk.read(newest) ?? new Uint8Array(0);
  const start = checkHeader(disk.path, newest, segment, bytes, identity);
  const { records, end, tail, damagedAt } = scanRecords(bytes, start);
  if (tail === 'damaged')
    throw damaged(disk.path, newest, damagedAt, 'it is neither a whole record nor a torn last one');
  // A segment comes into being with its first record.
  if (records.length === 0) throw damaged(disk.path, newest, start, 'its first record is not there');
  const folded = fold(disk.path, newest, records);
  const data = readSnapshot(disk, folded.reference);
  const { reference, hardState, entries } = folded;
  const { index, term, configuration } = reference;
  const repairs: DiskStep[] = tail === 'torn' ? [{ kind: 'cut', name: newest, length: end }] : [];
  const needed = new Set([newest, snapshotName(reference.file)]);
  for (const name of names) {
    const isLog = /^(?:log|snapshot)-/.test(name);
    if ((isLog && !needed.has(name)) || name.endsWith('.part')) repairs.push({ kind: 'remove', name });
  }
  return {
    state: { hardState, snapshot: { index, term, configuration, data }, entries },
    reference,
    segment,
    segmentBytes: end,
    records: records.length,
    repairs,
    tornBytes: bytes.length - end,
  };
}

function checkHeader(path: string, name: string, segment: number, bytes: Uint8Array, identity: Identity): number {
  const found = decodeSegmentHeader(bytes);
  if (found === null) throw damaged(path, name, 0, 'its header is not whole');
  const { header, end } = found;
  if (header.format !== DISK_FORMAT) throw newerFormat(path, name, header.format, DISK_FORMAT);
  if (header.cluster !== identity.cluster) throw otherCluster(`${path}/${name}`, header.cluster, identity.cluster);
  if (header.node !== identity.node) throw damaged(path, name, 0, 'it was written by another node');
  if (header.segment !== segment) throw damaged(path, name, 0, `it is segment ${header.segment} under a wrong name`);
  return end;
}

interface Folded {
  readonly hardState: HardState;
  readonly reference: SnapshotReference;
  readonly entries: readonly Entry[];
}

/** All records of a segment one after another. */
function fold(path: string, name: string, records: readonly Items[]): Folded {
  const [first] = records;
  let hardState = first?.hardState ?? null;
  const reference = first?.snapshot ?? null;
  if (hardState === null || reference === null)
    throw damaged(path, name, 0, 'it begins without term, vote and snapshot');
  const entries: Entry[] = [];
  for (const [place, record] of records.entries()) {
    const isSound = takeIn(record, place === 0, reference, entries);
    if (!isSound) throw damaged(path, name, 0, `record ${place + 1} does not follow on those before it`);
    if (record.movedTo > 0) throw missing(path, segmentName(record.movedTo), `the log of ${name} goes on there`);
    hardState = record.hardState ?? hardState;
  }
  const lastTerm = entries.at(-1)?.term ?? reference.term;
  if (lastTerm > hardState.term) throw damaged(path, name, 0, 'it has entries of a term that was never begun');
  return { hardState, reference, entries };
}

function takeIn(record: Items, isFirst: boolean, reference: SnapshotReference, entries: Entry[]): boolean {
  if (!isFirst && record.snapshot !== null) return false;
  const lastIndex = (): number => reference.index + entries.length;
  if (record.truncateFrom > 0) {
    if (record.truncateFrom <= reference.index || record.truncateFrom > lastIndex()) return false;
    entries.length = record.truncateFrom - reference.index - 1;
  }
  for (const entry of record.entries) {
    if (entry.index !== lastIndex() + 1 || entry.term < (entries.at(-1)?.term ?? reference.term)) return false;
    entries.push(entry);
  }
  return true;
}

function readSnapshot(disk: Disk, { file, checksum, bytes }: SnapshotReference): Uint8Array {
  if (file === 0) return new Uint8Array(0);
  const name = snapshotName(file);
  const data = disk.read(name);
  if (data === null) throw missing(disk.path, name, 'the log begins behind this snapshot');
  if (data.length !== bytes)
    throw damaged(disk.path, name, Math.min(data.length, bytes), `it should have ${bytes} bytes`);
  if (crc32(data) !== checksum) throw damaged(disk.path, name, 0, 'its checksum is wrong');
  return data;
}
