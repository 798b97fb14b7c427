/**
 * Looks into the nodes of a simulated cluster while they run, as nobody else can, and says at once what is wrong. It hangs
 * itself before the methods of the very objects that run: what they do is not changed.
 *
 * After each entry that any replica applies: R5 (it is held by every replica), R6 (every replica applies the same entries
 * in the same order, with the same outcome), nothing is applied before it is committed, fencing tokens grow (L2), holders
 * are attached. At each append: R7, R11. After each event of a node: commit points never go back. Each second of virtual
 * time: queues and logs within their bounds, and states of replicas equal where they have applied the same (R16).
 */
import { readI32, readU32 } from '../base/bytes.ts';
import { absorb } from '../base/mix.ts';
import { PENDING_BYTES_MAX, PENDING_ENTRIES_MAX } from '../node/admission.ts';
import { QUEUE_DROP_BYTES } from '../node/connection.ts';
import type { Node } from '../node/node.ts';
import type { PartitionBackup } from '../node/partition-backup.ts';
import type { PartitionPrimary } from '../node/partition-primary.ts';
import { ApplyStatus, type PartitionState } from '../node/partition-state.ts';
import * as codec from '../protocol/client-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { BackupState } from '../replication/primary.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import type { Counters } from './counters.ts';
import { digestOf } from './replica-digest.ts';
import type { Seat, SimCluster } from './sim-cluster.ts';

/** What is known of an entry from the first replica that applied it. */
interface Applied {
  /** Hash of this entry and all before it, with their outcomes. */
  readonly chain: number;
  readonly by: string;
}

/** One replica of a partition, as it is looked at. */
interface Watched {
  readonly seat: Seat;
  readonly node: Node;
  readonly partition: number;
  readonly state: PartitionState;
  chain: number;
  commit: number;
}

const BOUNDS_EVERY_MS = 1000;
/** Room above a bound: what was let in while it was not yet passed. */
const SLACK_BYTES: number = 2 * 1024 * 1024;
const NAME = new TextDecoder();

export class Observer {
  readonly #cluster: SimCluster;
  readonly #counters: Counters;
  /** By partition, then by (epoch, operation) as text. */
  readonly #applied: Map<string, Applied>[] = [];
  /** By key of a lock: the newest token granted, over the whole run. */
  readonly #tokens: Map<string, bigint> = new Map();
  /** By life of a node. */
  readonly #watched: Map<Node, Watched[]> = new Map();
  /** Requests of clients that reached a primary, by session and sequence. */
  readonly #seen: Set<string> = new Set();
  #boundsAtMs = 0;

  constructor(cluster: SimCluster, counters: Counters) {
    this.#cluster = cluster;
    this.#counters = counters;
    for (let partition = 0; partition < cluster.settings.partitions; partition += 1) this.#applied.push(new Map());
  }

  #fail(rule: string, text: string): void {
    this.#cluster.world.fail(rule, text);
  }

  /** A life of a node has begun. */
  started(seat: Seat, node: Node): void {
    this.#counters.count('nodeStarts');
    const watched: Watched[] = [];
    for (const primary of node.primaries) if (primary !== null) watched.push(this.#watchPrimary(seat, node, primary));
    for (const backup of node.backups) if (backup !== null) watched.push(this.#watchBackup(seat, node, backup));
    this.#watched.set(node, watched);
  }

  // ---- primaries

  #watchPrimary(seat: Seat, node: Node, partition: PartitionPrimary): Watched {
    const watched: Watched = { seat, node, partition: partition.id, state: partition.state, chain: 0, commit: 0 };
    this.#watchApply(watched, (log, position) => this.#appliedAtPrimary(watched, partition, log, position));
    const append = partition.primary.append.bind(partition.primary);
    partition.primary.append = (kind, timeMs, source, start, end) => {
      this.#checkAppend(node, partition, kind);
      return append(kind, timeMs, source, start, end);
    };
    const write = partition.write.bind(partition);
    partition.write = (kind, to, messageId, bytes, start, end) => {
      this.#countRetry(partition, bytes, start);
      return write(kind, to, messageId, bytes, start, end);
    };
    return watched;
  }

  /** R7: nothing is appended while a replica that must hold it is not there. R11: nor before the barrier is committed. */
  #checkAppend(node: Node, { id, primary, backupMembers }: PartitionPrimary, kind: number): void {
    if (primary.commit <= primary.barrier && primary.barrier === 0)
      this.#fail('R11', `partition ${id}: entry of kind ${kind} before the barrier is committed`);
    backupMembers.forEach((member, backup) => {
      const peer = node.peers[member];
      if (primary.states[backup] === BackupState.following && peer?.state === 'up') return;
      this.#fail('R7', `partition ${id}: entry of kind ${kind} appended while ${peer?.name} is ${peer?.state}`);
    });
  }

  #countRetry(partition: PartitionPrimary, bytes: Uint8Array, start: number): void {
    const epoch = readU32(bytes, start + codec.WRITE_ATTACH_EPOCH);
    const operation = readI32(bytes, start + codec.WRITE_ATTACH_OPERATION);
    const sequence = readI32(bytes, start + codec.WRITE_SEQUENCE);
    const name = `${partition.id} ${epoch} ${operation} ${sequence}`;
    if (!this.#seen.has(name)) return void this.#seen.add(name);
    this.#counters.count('retried');
    const attachment = partition.state.attachments.find(epoch, operation);
    if (attachment === undefined) return;
    if (attachment.isBeforeMark(sequence) || attachment.status(sequence) !== 0) this.#counters.count('deduplicated');
  }

  #appliedAtPrimary(watched: Watched, partition: PartitionPrimary, log: ReplicationLog, position: number): void {
    const { primary, backupMembers, id } = partition;
    const epoch = log.epoch(position);
    const operation = log.operation(position);
    if (position >= primary.commit) this.#fail('R5', `partition ${id}: ${epoch}/${operation} applied uncommitted`);
    backupMembers.forEach((member, backup) => {
      // What a life that is over had acknowledged counts: it was held by all when it was sent.
      if (primary.states[backup] !== BackupState.restarted) this.#checkHeld(watched, member, epoch, operation);
    });
    this.#count(watched.state, log.kind(position));
    this.#checkLocks(watched.state, id);
  }

  /** R5: the replica on `member` holds the entry, unless it has lost its memory since. */
  #checkHeld({ node, partition }: Watched, member: number, epoch: number, operation: number): void {
    const address = node.settings.members[member];
    const replica = this.#cluster.seats.find((seat) => seat.address === address)?.node ?? null;
    const known = node.peers[member]?.incarnation ?? null;
    if (replica === null || known === null || !sameBytes(replica.incarnation, known)) return;
    const backup = (replica.backups[partition] as PartitionBackup).backup;
    if (backup.epoch > epoch || (backup.epoch === epoch && backup.operation >= operation)) return;
    this.#fail(
      'R5',
      `partition ${partition}: ${epoch}/${operation} taken for committed, but ${address} ends at ${backup.epoch}/${backup.operation}`,
    );
  }

  #count({ status, grantedCount, endedCount }: PartitionState, kind: number): void {
    const counters = this.#counters;
    counters.count('entriesApplied');
    if (kind === EntryKind.expireKey) counters.count('keyExpiries');
    if (kind === EntryKind.detach) counters.count('sessionEnds');
    if (kind === EntryKind.cancel) counters.count('cancels', endedCount);
    if (status === ApplyStatus.queued) counters.count('lockWaits');
    counters.count('lockHandOvers', grantedCount);
  }

  /** L2: the tokens of a key only grow. A lock belongs to a session that is attached. */
  #checkLocks({ locks, attachments }: PartitionState, id: number): void {
    for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
      const bytes = new Uint8Array(locks.keyLength(slot));
      locks.copyKey(slot, bytes, 0);
      const key = NAME.decode(bytes);
      const token = (BigInt(locks.tokenEpoch(slot)) << 32n) | BigInt(locks.tokenOperation(slot));
      const newest = this.#tokens.get(key) ?? 0n;
      if (token < newest) this.#fail('L2', `lock '${key}' granted under ${token}, after ${newest}`);
      this.#tokens.set(key, token);
      if (attachments.atSlot(locks.holder(slot)) === null)
        this.#fail('L3', `partition ${id}: lock '${key}' belongs to a session that is not attached`);
    }
  }

  // ---- all replicas

  #watchBackup(seat: Seat, node: Node, partition: PartitionBackup): Watched {
    const watched: Watched = { seat, node, partition: partition.id, state: partition.state, chain: 0, commit: 0 };
    this.#watchApply(watched, () => undefined);
    return watched;
  }

  #watchApply(watched: Watched, then: (log: ReplicationLog, position: number) => void): void {
    const { state } = watched;
    const apply = state.apply.bind(state);
    state.apply = (log, position): void => {
      const entry = entryHash(log, position);
      const isBarrier = log.kind(position) === EntryKind.barrier;
      const name = `${log.epoch(position)}/${log.operation(position)}`;
      apply(log, position);
      // A replica that joins an empty partition has not seen the barriers before.
      if (!isBarrier) watched.chain = outcomeHash(absorb(watched.chain, entry), state);
      this.#compare(watched, name);
      then(log, position);
    };
  }

  /** R5, R6, R16: what one replica has applied at some operation, every other has, too. */
  #compare({ partition, seat, chain, state }: Watched, name: string): void {
    const applied = this.#applied[partition] as Map<string, Applied>;
    const first = applied.get(name);
    if (first === undefined) {
      applied.set(name, { chain, by: seat.host });
      const isPrimary = seat.node?.primaries[partition]?.state === state;
      if (!isPrimary) this.#fail('R5', `partition ${partition}: ${seat.host} applied ${name} before its primary did`);
    } else if (first.chain !== chain) {
      this.#fail('R6', `partition ${partition}: ${seat.host} and ${first.by} differ at ${name}`);
    }
  }

  /** After each event of a node. */
  stepped(node: Node): void {
    const { world } = this.#cluster;
    for (const watched of this.#watched.get(node) ?? []) {
      const primary = node.primaries[watched.partition];
      const commit = primary?.primary.commit ?? node.backups[watched.partition]?.backup.commit ?? 0;
      // A primary that opens its epoch again while nothing was served takes its barrier back.
      if (commit < watched.commit && primary?.primary.holdsEntries !== false)
        this.#fail('R5', `partition ${watched.partition}: the commit point of ${watched.seat.host} went back`);
      watched.commit = commit;
    }
    if (world.nowMs < this.#boundsAtMs) return;
    this.#boundsAtMs = world.nowMs + BOUNDS_EVERY_MS;
    this.#checkBounds();
    this.compareStates();
  }

  #checkBounds(): void {
    for (const { host, node } of this.#cluster.seats) {
      if (node === null) continue;
      for (const connection of node.connections) {
        const { queuedBytes } = connection.queue;
        if (queuedBytes > QUEUE_DROP_BYTES + SLACK_BYTES)
          this.#fail('bounds', `${host}: ${queuedBytes} bytes unsent to ${connection.name}`);
      }
      for (const partition of node.primaries) {
        if (partition === null) continue;
        const pending = partition.log.next - partition.applied;
        if (pending > PENDING_ENTRIES_MAX || partition.log.usedBytes > PENDING_BYTES_MAX + SLACK_BYTES)
          this.#fail('bounds', `${host}: partition ${partition.id} has ${pending} entries pending`);
      }
    }
  }

  /** Replicas that have applied the same hold the same. */
  compareStates(): void {
    const digests = new Map<string, { digest: number; by: string }>();
    for (const { node } of this.#cluster.seats) {
      if (node === null) continue;
      for (const { partition, state, seat } of this.#watched.get(node) ?? []) {
        if (state.appliedEpoch === 0) continue;
        const name = `${partition} at ${state.appliedEpoch}/${state.appliedOperation}`;
        const digest = digestOf(state);
        const first = digests.get(name);
        if (first === undefined) digests.set(name, { digest, by: seat.host });
        else {
          this.#counters.count('digestsCompared');
          if (first.digest !== digest)
            this.#fail('R16', `partition ${name}: ${seat.host} and ${first.by} hold different states`);
        }
      }
    }
  }
}

function entryHash(log: ReplicationLog, position: number): number {
  const end = log.offset(position) + log.length(position);
  let hash = log.length(position);
  for (let at = log.offset(position); at < end; at += 1) hash = (Math.imul(hash, 31) + (log.data[at] as number)) | 0;
  return hash;
}

function outcomeHash(chain: number, state: PartitionState): number {
  let hash = absorb(chain, state.status);
  for (const word of [state.epoch, state.operation, state.payloadHigh, state.payloadLow, state.grantedCount])
    hash = absorb(hash, word);
  for (let index = 0; index < state.grantedCount; index += 1) hash = absorb(hash, state.granted[index] as number);
  return hash;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
