/**
 * Bringing a follower that lacks more than the log has to where the log goes on (R21): its primary sends it a snapshot over
 * the bulk link, slice by slice, each when the one before has come; the follower puts it together beside what it has and
 * switches at once. The log behind the snapshot is kept meanwhile.
 */
import type { Arena } from '../base/arena.ts';
import { readU16, readU32 } from '../base/bytes.ts';
import type { Log, Timers } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { SNAP, SNPD } from '../protocol/opcode.ts';
import * as codec from '../protocol/peer-codec.ts';
import { type Follower, FollowerState } from '../replication/follower.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import type { PartitionReplica } from './partition-replica.ts';
import type { Peer } from './peer.ts';
import { StateLoader } from './snapshot/state-loader.ts';
import { type SnapshotHead, StateSnapshot } from './snapshot/state-snapshot.ts';
import { reserveForSnapshot, type SnapshotMemory } from './snapshot-memory.ts';

/** Snapshots that a node sends at a time. */
const SENDING_MAX = 2;
const SLICE_BYTES = 64 * 1024;
/** Slices on their way that have not been told to have come. */
const WINDOW = 8;

export interface CatchUpHost extends SnapshotMemory {
  readonly ports: { readonly timers: Timers };
  readonly log: Log;
  readonly arena: Arena;
  readonly nowMs: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly backups: readonly (PartitionBackup | null)[];
  peerOf(slot: number): Peer | null;
  replicate(partition: PartitionPrimary): void;
  acknowledge(partition: PartitionBackup): void;
}

interface Sending {
  readonly number: number;
  readonly partition: PartitionPrimary;
  readonly follower: Follower;
  readonly peer: Peer;
  readonly position: number;
  readonly snapshot: StateSnapshot;
  /** Slices on their way. */
  open: number;
  /** All slices have left. */
  sentAll: boolean;
}

interface Loading {
  readonly number: number;
  readonly peer: Peer;
  readonly backup: PartitionBackup;
  readonly loader: StateLoader;
}

export class CatchUp {
  /** Snapshots installed here so far, and sent. */
  installed = 0;
  sent = 0;
  readonly #host: CatchUpHost;
  readonly #sending: Set<Sending> = new Set();
  /** By partition. */
  readonly #loading: Map<number, Loading> = new Map();
  #lastNumber = 0;
  /** Where the next look begins: no partition waits for all those before it. */
  #from = 0;

  constructor(host: CatchUpHost) {
    this.#host = host;
  }

  get bytes(): number {
    let bytes = 0;
    for (const { snapshot } of this.#sending) bytes += snapshot.bytes;
    for (const { loader } of this.#loading.values()) bytes += loader.bytes;
    return bytes;
  }

  // ---- at the primary

  /** To be called often: begins what is due, and ends what has no sense any more. */
  tick(): void {
    for (const one of [...this.#sending]) if (!this.#isWanted(one)) this.#end(one);
    const { primaries } = this.#host;
    for (let step = 0; step < primaries.length; step += 1) {
      if (this.#sending.size >= SENDING_MAX) return;
      const partition = primaries[this.#from] ?? null;
      this.#from = (this.#from + 1) % primaries.length;
      for (const follower of partition?.primary.followers ?? [])
        this.#beginFor(partition as PartitionPrimary, follower);
    }
  }

  #isWanted({ partition, follower, peer, snapshot }: Sending): boolean {
    const linked = this.#host.peerOf(follower.member) === peer && peer.bulk !== null;
    return linked && !partition.ended && !snapshot.failed && follower.state === FollowerState.needsSnapshot;
  }

  #beginFor(partition: PartitionPrimary, follower: Follower): void {
    if (follower.state !== FollowerState.needsSnapshot || this.#sending.size >= SENDING_MAX) return;
    const peer = this.#host.peerOf(follower.member);
    if (peer === null || peer.bulk === null || !peer.healthy) return;
    for (const one of this.#sending) if (one.follower === follower) return;
    const { kept, state } = partition;
    const { epochs } = kept.replica;
    const head = {
      partition: partition.id,
      epoch: state.appliedEpoch,
      operation: state.appliedOperation,
      position: kept.applied,
      timeMs: partition.logTimeMs(),
      epochs: epochs.list.filter(({ start }) => start < kept.applied),
    };
    const snapshot = new StateSnapshot(state, head, (bytes) => reserveForSnapshot(this.#host, bytes));
    this.#lastNumber = (this.#lastNumber + 1) >>> 0;
    const one: Sending = {
      number: this.#lastNumber,
      partition,
      follower,
      peer,
      position: kept.applied,
      snapshot,
      open: 0,
      sentAll: false,
    };
    follower.snapshotAt = kept.applied;
    this.#sending.add(one);
    this.#host.log.write('debug', 'snapshot begun', { partition: partition.id, to: peer.name, keys: state.keys.size });
    this.#send(one);
  }

  #send(one: Sending): void {
    const { peer, snapshot, partition, number } = one;
    while (one.open < WINDOW && !one.sentAll) {
      const slice = peer.bulk === null ? null : snapshot.next(SLICE_BYTES);
      if (peer.bulk === null || snapshot.failed) return this.#end(one);
      if (slice === null) {
        one.sentAll = true;
        return;
      }
      one.open += 1;
      const { frames } = peer.bulk;
      frames.begin(SNAP, 0);
      frames.u16(partition.id);
      frames.u32(partition.epoch);
      frames.u32(number);
      frames.bytes(slice, 0, slice.length);
      frames.end();
    }
  }

  #end(one: Sending): void {
    one.snapshot.close();
    one.follower.snapshotAt = -1;
    this.#sending.delete(one);
  }

  /** A follower has taken a slice. False: malformed. */
  told(peer: Peer, bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < codec.SNAPPED_BYTES) return false;
    const number = readU32(bytes, start + codec.SNAP_NUMBER);
    for (const one of this.#sending) {
      if (one.number !== number || one.peer !== peer) continue;
      one.open -= 1;
      this.#goOn(one, bytes[start + codec.SNAPPED_STATUS] as number);
    }
    return true;
  }

  #goOn(one: Sending, status: number): void {
    if (status === codec.SnapStatus.more) return this.#send(one);
    const { follower, partition, position, peer } = one;
    this.#end(one);
    if (status !== codec.SnapStatus.installed) return;
    this.sent += 1;
    // It may have said already what it holds now: that comes over another link.
    if (follower.state === FollowerState.needsSnapshot) {
      follower.state = FollowerState.unknown;
      follower.sent = position;
    }
    this.#host.log.write('debug', 'snapshot installed', { partition: partition.id, by: peer.name });
    this.#host.replicate(partition);
    this.tick();
  }

  // ---- at the follower

  /** A slice has come. False: malformed. */
  slice(peer: Peer, bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < codec.SNAP_SLICE) return false;
    const partition = readU16(bytes, start + codec.SNAP_PARTITION);
    const configuration = readU32(bytes, start + codec.SNAP_CONFIGURATION);
    const number = readU32(bytes, start + codec.SNAP_NUMBER);
    const backup = this.#host.backups[partition] ?? null;
    const isFollowed = backup !== null && backup.epoch === configuration && backup.primaryMember === peer.slot;
    if (!isFollowed || !peer.isNamed) return this.#tell(peer, partition, configuration, number, codec.SnapStatus.again);
    const status = this.#take(peer, backup, number, bytes.slice(start + codec.SNAP_SLICE, end));
    return this.#tell(peer, partition, configuration, number, status);
  }

  #tell(peer: Peer, partition: number, configuration: number, number: number, status: number): true {
    const frames = peer.bulk?.frames;
    if (frames === undefined) return true;
    frames.begin(SNPD, 0);
    frames.u16(partition);
    frames.u32(configuration);
    frames.u32(number);
    frames.u8(status);
    frames.end();
    return true;
  }

  #take(peer: Peer, backup: PartitionBackup, number: number, slice: Uint8Array): number {
    const loading = this.#loadingOf(peer, backup, number);
    try {
      loading.loader.take(slice);
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      this.#loading.delete(backup.id);
      this.#host.log.write('warn', 'snapshot given up', {
        partition: backup.id,
        from: peer.name,
        message: error.message,
      });
      return codec.SnapStatus.again;
    }
    if (!loading.loader.done) return codec.SnapStatus.more;
    this.#loading.delete(backup.id);
    return this.#install(loading) ? codec.SnapStatus.installed : codec.SnapStatus.again;
  }

  #loadingOf(peer: Peer, backup: PartitionBackup, number: number): Loading {
    const known = this.#loading.get(backup.id);
    if (known !== undefined && known.number === number && known.peer === peer && known.backup === backup) return known;
    known?.loader.abandon();
    const loader = new StateLoader(this.#host.arena, () => backup.kept.newState());
    const loading: Loading = { number, peer, backup, loader };
    this.#loading.set(backup.id, loading);
    return loading;
  }

  /** R21: switched in at once. False: it is not newer than what is here. */
  #install({ loader, backup }: Loading): boolean {
    const { head } = loader;
    const { kept } = backup;
    if (backup.ended || head === null || head.partition !== backup.id || head.position < kept.replica.commit) {
      loader.abandon();
      return false;
    }
    if (holdsAlready(kept, head)) loader.abandon();
    else {
      kept.replica.restart(head.position, head.epochs, head.timeMs, this.#host.nowMs);
      kept.switchTo(loader.state(), head.position);
      this.installed += 1;
    }
    backup.announce(this.#host.nowMs);
    this.#host.acknowledge(backup);
    return true;
  }

  /** The role for which a snapshot is being loaded is over. */
  configured(partition: number): void {
    const loading = this.#loading.get(partition);
    if (loading === undefined || !loading.backup.ended) return;
    loading.loader.abandon();
    this.#loading.delete(partition);
  }

  linkLost(peer: Peer): void {
    for (const [partition, loading] of this.#loading) {
      if (loading.peer !== peer) continue;
      loading.loader.abandon();
      this.#loading.delete(partition);
    }
    for (const one of [...this.#sending]) if (one.peer === peer) this.#end(one);
  }
}

/**
 * R6: the log has come as far by itself while the snapshot was on its way, over another link: what was acknowledged behind
 * it is not given up for it.
 */
function holdsAlready({ replica }: PartitionReplica, { epoch, operation, position }: SnapshotHead): boolean {
  return replica.epochs.after(epoch, operation, replica.log.next) === position;
}
