/**
 * The durable log: term, vote, entries and snapshot of one node in its state directory, over any `Disk`.
 *
 *     identity            whose directory it is (identity.ts); written last when a directory is founded
 *     log-00000007        the one segment in use: header, then records (segment.ts); its first record says everything
 *     snapshot-00000005   the state up to the index that the segment's first record names
 *
 * One `Ready` is one record, appended and synced. A snapshot, or a segment that has grown too long, begins the next
 * segment, which repeats what still counts; the former one is marked as moved, then removed. So at any moment one file
 * holds everything, and a file that is gone is noticed.
 */

import { assert } from '../base/assert.ts';
import { crc32 } from '../base/crc32.ts';
import type { Disk, DiskStep } from '../base/ports.ts';
import { type Identity, identityStep } from './identity.ts';
import { noItems, type SnapshotReference } from './items.ts';
import type { DurableState, Entry, HardState, RaftStorage, Ready, Snapshot } from './messages.ts';
import { type Recovered, recover, segmentName, snapshotName } from './recovery.ts';
import { DISK_FORMAT, encodeRecord, encodeSegmentHeader } from './segment.ts';

/** A segment is followed by the next once it is longer than this and twice as long as it began. */
export const SEGMENT_BYTES_MAX: number = 4 * 1024 * 1024;

type Done = (error: Error | null) => void;

export class DurableLog implements RaftStorage {
  readonly #disk: Disk;
  readonly #identity: Identity;
  readonly #segmentBytesMax: number;
  #segment: number;
  #records: number;
  #bytes: number;
  #bytesAtFirst: number;
  #hardState: HardState;
  #reference: SnapshotReference;
  /** Those behind the snapshot: the same objects as in the log in memory. */
  #entries: Entry[];
  /** To be done together with the next write. */
  #repairs: readonly DiskStep[];
  #isBusy = false;
  #failure: Error | null = null;

  private constructor(disk: Disk, identity: Identity, recovered: Recovered, segmentBytesMax: number) {
    this.#disk = disk;
    this.#identity = identity;
    this.#segmentBytesMax = segmentBytesMax;
    this.#segment = recovered.segment;
    this.#records = recovered.records;
    this.#bytes = recovered.segmentBytes;
    this.#bytesAtFirst = recovered.segmentBytes;
    this.#hardState = recovered.state.hardState;
    this.#reference = recovered.reference;
    this.#entries = [...recovered.state.entries];
    this.#repairs = recovered.repairs;
  }

  /**
   * Founds the log of a directory whose identity names a cluster from now on. Nothing counts before `done(null)`: a crash
   * leaves a directory that never named a cluster.
   */
  static found(disk: Disk, identity: Identity, snapshot: Snapshot, done: Done): void {
    assert(identity.cluster !== '', 'a log belongs to a cluster');
    const hardState = { term: snapshot.term, vote: 0, commit: snapshot.index };
    const reference = referenceOf(snapshot, 1);
    const steps: DiskStep[] = [];
    if (reference.file > 0) steps.push({ kind: 'create', name: snapshotName(1), bytes: snapshot.data });
    const first = encodeFirst(identity, 1, hardState, reference, []);
    steps.push({ kind: 'create', name: segmentName(1), bytes: first }, identityStep(identity));
    disk.write(steps, done);
  }

  /**
   * Opens the log of a directory whose identity names a cluster.
   * @throws KeyvalError KV_STATE, KV_VERSION, KV_WRONG_CLUSTER: this node must not vote or lead
   */
  static open(
    disk: Disk,
    identity: Identity,
    segmentBytesMax: number = SEGMENT_BYTES_MAX,
  ): { readonly log: DurableLog; readonly state: DurableState; readonly tornBytes: number } {
    const recovered = recover(disk, identity);
    const log = new DurableLog(disk, identity, recovered, segmentBytesMax);
    return { log, state: recovered.state, tornBytes: recovered.tornBytes };
  }

  persist(ready: Ready, done: Done): void {
    assert(!this.#isBusy, 'one Ready after another');
    if (this.#failure !== null) return done(this.#failure);
    if (ready.hardState === null) return done(null);
    this.#isBusy = true;
    const steps = [...this.#repairs, ...this.#stepsOf(ready)];
    this.#repairs = [];
    this.#disk.write(steps, (error) => {
      this.#isBusy = false;
      this.#failure = error;
      done(error);
    });
  }

  #stepsOf({ hardState, snapshot, isInstalled, entries }: Ready): DiskStep[] {
    const truncateFrom = this.#takeEntries(isInstalled && snapshot !== null ? [] : entries);
    this.#hardState = hardState ?? this.#hardState;
    if (snapshot !== null) return this.#nextSegment(this.#takeSnapshot(snapshot, isInstalled, entries), snapshot);
    const record = encodeRecord(this.#records + 1, { ...noItems, hardState, truncateFrom, entries });
    const isLong = this.#bytes + record.length > this.#segmentBytesMax;
    if (isLong && this.#bytes > 2 * this.#bytesAtFirst) return this.#nextSegment(this.#reference, null);
    this.#records += 1;
    this.#bytes += record.length;
    return [{ kind: 'append', name: segmentName(this.#segment), bytes: record }];
  }

  /** @returns the first entry that is replaced, 0 when none is */
  #takeEntries(entries: readonly Entry[]): number {
    const [first] = entries;
    if (first === undefined) return 0;
    const place = first.index - this.#reference.index - 1;
    assert(place >= 0 && place <= this.#entries.length, 'entries must follow on the durable log');
    const isCut = place < this.#entries.length;
    this.#entries.length = place;
    this.#entries.push(...entries);
    return isCut ? first.index : 0;
  }

  #takeSnapshot(snapshot: Snapshot, isInstalled: boolean, entries: readonly Entry[]): SnapshotReference {
    this.#entries = isInstalled ? [...entries] : this.#entries.slice(snapshot.index - this.#reference.index);
    return referenceOf(snapshot, this.#segment + 1);
  }

  #nextSegment(reference: SnapshotReference, snapshot: Snapshot | null): DiskStep[] {
    const former = this.#segment;
    const formerSnapshot = this.#reference.file;
    const steps: DiskStep[] = [];
    const isSnapshotNew = snapshot !== null && reference.file > 0;
    if (isSnapshotNew) steps.push({ kind: 'create', name: snapshotName(reference.file), bytes: snapshot.data });
    const segment = former + 1;
    const bytes = encodeFirst(this.#identity, segment, this.#hardState, reference, this.#entries);
    steps.push({ kind: 'create', name: segmentName(segment), bytes });
    const moved = encodeRecord(this.#records + 1, { ...noItems, movedTo: segment });
    steps.push({ kind: 'append', name: segmentName(former), bytes: moved });
    steps.push({ kind: 'remove', name: segmentName(former) });
    if (snapshot !== null && formerSnapshot > 0) steps.push({ kind: 'remove', name: snapshotName(formerSnapshot) });
    this.#segment = segment;
    this.#records = 1;
    this.#bytes = bytes.length;
    this.#bytesAtFirst = bytes.length;
    this.#reference = reference;
    return steps;
  }
}

function referenceOf({ index, term, configuration, data }: Snapshot, file: number): SnapshotReference {
  const isEmpty = data.length === 0;
  return { index, term, configuration, file: isEmpty ? 0 : file, checksum: crc32(data), bytes: data.length };
}

function encodeFirst(
  identity: Identity,
  segment: number,
  hardState: HardState,
  snapshot: SnapshotReference,
  entries: readonly Entry[],
): Uint8Array {
  const { cluster, node } = identity;
  const header = encodeSegmentHeader({ format: DISK_FORMAT, segment, cluster, node });
  const record = encodeRecord(1, { ...noItems, hardState, snapshot, entries });
  const bytes = new Uint8Array(header.length + record.length);
  bytes.set(header);
  bytes.set(record, header.length);
  return bytes;
}
