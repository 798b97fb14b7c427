/**
 * Looks into the nodes of a simulated cluster while they run, as nobody else can, and says at once what is wrong. It hangs
 * itself before the methods of the very objects that run: what they do is not changed.
 *
 * After each entry that any replica applies: R5 (every in-sync member holds it; nobody ever applies a different history:
 * what was committed once is in every log that commits after it), R6, nothing is applied before its primary did, fencing
 * tokens grow (L2), holders are attached. At each append: R7, R11. After each event of a node: commit points never go
 * back, one primary per epoch (R1). Each second of virtual time: queues and logs within their bounds, and states of
 * replicas equal where they have applied the same (R16).
 */
import { hexOf, readI32, readU32 } from '../base/bytes.ts';
import { absorb } from '../base/mix.ts';
import { minOf } from '../cluster/electorate.ts';
import { PENDING_BYTES_MAX, PENDING_ENTRIES_MAX } from '../node/admission.ts';
import { QUEUE_DROP_BYTES } from '../node/connection.ts';
import type { Node } from '../node/node.ts';
import type { PartitionPrimary } from '../node/partition-primary.ts';
import { ApplyStatus, type PartitionState } from '../node/partition-state.ts';
import * as codec from '../protocol/client-codec.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { DETACH_LOST } from '../replication/entry-layout.ts';
import { ENTRY_HEAD_BYTES, type ReplicationLog } from '../replication/replication-log.ts';
import { BookWatch } from './book-watch.ts';
import type { Counters } from './counters.ts';
import { DeadlockWatch } from './deadlock-watch.ts';
import { LockObserver } from './lock-observer.ts';
import { digestOf } from './replica-digest.ts';
import type { Seat, SimCluster } from './sim-cluster.ts';

/** What is known of an entry from the first replica that applied it. */
interface Applied {
  /** Hash of this entry and all before it, with their outcomes. */
  readonly chain: number;
  readonly by: string;
}

/** The committed history of one partition, as it was applied first. */
interface History {
  /** By (epoch, operation) as text. */
  readonly applied: Map<string, Applied>;
  /** Chain of the entry applied last. */
  tail: number;
  tailName: string;
  /** By epoch: who reigned. */
  readonly reigns: Map<number, string>;
}

/** One state of a partition at one node, as it is looked at. */
interface Watched {
  readonly seat: Seat;
  readonly node: Node;
  readonly partition: number;
  readonly state: PartitionState;
  chain: number;
}

const BOUNDS_EVERY_MS = 1000;
/** Of a partition's history so much is known at the end of a stage: no replica is further behind then. */
const APPLIED_KEPT = 50_000;
/** Room above a bound: what was let in while it was not yet passed. */
const SLACK_BYTES: number = 2 * 1024 * 1024;

export class Observer {
  readonly #cluster: SimCluster;
  readonly #counters: Counters;
  readonly #histories: History[] = [];
  /** By key of a lock: the newest token granted, over the whole run. */
  readonly #locks: LockObserver = new LockObserver((rule, text) => this.#fail(rule, text));
  /** Reigns that are watched already. */
  readonly #reigns: WeakSet<PartitionPrimary> = new WeakSet();
  /** By state, which is another one where a partition began anew: its commit point when it was looked at last. */
  readonly #commits: WeakMap<object, number> = new WeakMap();
  /** Requests of clients that reached a primary, by session and sequence. */
  readonly #seen: Set<string> = new Set();
  readonly #book: BookWatch;
  /** L10. */
  readonly deadlocks: DeadlockWatch;
  #boundsAtMs = 0;

  /** `lost` is told when all who held a partition are gone (R9). */
  constructor(cluster: SimCluster, counters: Counters, lost: (partition: number) => void) {
    this.#book = new BookWatch(counters, lost);
    this.#cluster = cluster;
    this.#counters = counters;
    this.deadlocks = new DeadlockWatch(cluster, counters);
    for (let partition = 0; partition < cluster.settings.partitions; partition += 1) {
      this.#histories.push({ applied: new Map(), tail: 0, tailName: '', reigns: new Map() });
    }
  }

  #fail(rule: string, text: string): void {
    this.#cluster.world.fail(rule, text);
  }

  /** A life of a node has begun. */
  started(seat: Seat, node: Node): void {
    this.#counters.count('nodeStarts');
    const { partitions, catchUp } = node.dataPlane;
    const make = partitions.makeState;
    partitions.makeState = (partition, takeStage): PartitionState => {
      const state = make(partition, takeStage);
      this.#watchState({ seat, node, partition, state, chain: 0 });
      return state;
    };
    this.deadlocks.started(node);
    const { configured } = catchUp;
    catchUp.configured = (partition): void => {
      this.#watchReign(seat, node, partition);
      configured.call(catchUp, partition);
    };
  }

  // ---- primaries

  #watchReign(seat: Seat, node: Node, id: number): void {
    const partition = node.primaries[id] ?? null;
    if (partition === null || this.#reigns.has(partition)) return;
    this.#reigns.add(partition);
    const { reigns } = this.#histories[id] as History;
    const known = reigns.get(partition.epoch);
    const name = hexOf(node.incarnation);
    if (known !== undefined && known !== name)
      this.#fail('R1', `partition ${id}: two primaries of epoch ${partition.epoch}`);
    reigns.set(partition.epoch, name);
    const append = partition.primary.append.bind(partition.primary);
    partition.primary.append = (kind, timeMs, source, start, end): number => {
      this.#checkAppend(seat, node, partition, kind);
      return append(kind, timeMs, source, start, end);
    };
    const write = partition.write.bind(partition);
    partition.write = (kind, to, messageId, bytes, start, end): boolean => {
      this.#countRetry(partition, bytes, start);
      return write(kind, to, messageId, bytes, start, end);
    };
    const end = partition.end.bind(partition);
    partition.end = (): void => {
      if (partition.applied < partition.log.next) this.#counters.count('deposedUnknown');
      end();
    };
  }

  /** R7: nothing is appended below min. R11: nor before the barrier is committed. */
  #checkAppend(seat: Seat, node: Node, { id, primary, ended }: PartitionPrimary, kind: number): void {
    if (primary.commit <= primary.barrier)
      this.#fail('R11', `partition ${id}: ${seat.host} appends kind ${kind} before the barrier is committed`);
    if (ended) this.#fail('R16', `partition ${id}: ${seat.host} appends after its reign`);
    const entry = node.book?.partitions[id];
    if (node.book === null || entry === undefined || entry.isr.length < minOf(node.book))
      this.#fail('R7', `partition ${id}: ${seat.host} appends kind ${kind} below min`);
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

  // ---- states

  #watchState(watched: Watched): void {
    const { state, partition } = watched;
    const restored = state.restoredAt.bind(state);
    state.restoredAt = (epoch, operation, timeMs): void => {
      restored(epoch, operation, timeMs);
      // From a snapshot: it stands for everything up to there (R21).
      const known = (this.#histories[partition] as History).applied.get(`${epoch}/${operation}`);
      watched.chain = known?.chain ?? 0;
      if (known === undefined && epoch > 0)
        this.#fail('R21', `partition ${partition}: a snapshot at ${epoch}/${operation}, which nobody has applied`);
    };
    const apply = state.apply.bind(state);
    state.apply = (log, position): void => {
      const entry = entryHash(log, position);
      const name = `${log.epoch(position)}/${log.operation(position)}`;
      const before = watched.chain;
      apply(log, position);
      watched.chain = outcomeHash(absorb(before, entry), state);
      this.#compare(watched, before, name, log, position);
    };
  }

  /** R5, R6, R16: what one replica has applied at some operation, every other has, too, and nothing is left out. */
  #compare(watched: Watched, before: number, name: string, log: ReplicationLog, position: number): void {
    const { partition, seat, node, chain, state } = watched;
    const history = this.#histories[partition] as History;
    const first = history.applied.get(name);
    if (first !== undefined) {
      if (first.chain !== chain)
        this.#fail('R6', `partition ${partition}: ${seat.host} and ${first.by} differ at ${name}`);
      return;
    }
    const primary = node.primaries[partition] ?? null;
    const isPrimary = primary !== null && primary.state === state;
    if (!isPrimary) this.#fail('R5', `partition ${partition}: ${seat.host} applied ${name} before its primary did`);
    this.#checkTail(history, watched, before, name);
    history.applied.set(name, { chain, by: seat.host });
    history.tail = chain;
    history.tailName = name;
    this.#checkHeld(watched, log, position);
    this.#count(state, log, position);
    this.#locks.check(state, partition);
  }

  /** R5, R14: a primary has everything that was ever committed, unless the partition was lost and began anew (R9). */
  #checkTail(history: History, { partition, seat, node }: Watched, before: number, name: string): void {
    if (before === history.tail) return;
    const beganAnew = before === 0 && node.book?.partitions[partition]?.firstEpoch === Number(name.split('/')[0]);
    if (beganAnew) return this.#counters.count('partitionsRevived');
    this.#fail(
      'R14',
      `partition ${partition}: ${seat.host} commits ${name} without ${history.tailName}, which was committed`,
    );
  }

  /** R5: every in-sync member of the primary's book holds the entry, unless it has lost its memory since. */
  #checkHeld({ node, partition, seat }: Watched, log: ReplicationLog, position: number): void {
    const epoch = log.epoch(position);
    const operation = log.operation(position);
    const { book } = node;
    for (const slot of book?.partitions[partition]?.isr ?? []) {
      const member = book?.members[slot] ?? null;
      const other = this.#cluster.seats.find(({ address }) => address === member?.address)?.node ?? null;
      if (other === null || other === node || hexOf(other.incarnation) !== member?.incarnation) continue;
      const replica = other.dataPlane.partitions.replicas[partition]?.replica ?? null;
      if (replica === null) {
        this.#fail(
          'R5',
          `partition ${partition}: ${epoch}/${operation} committed by ${seat.host}, ${member.address} keeps nothing`,
        );
      } else if (!replica.epochs.isForgotten(epoch) && replica.epochs.after(epoch, operation, replica.log.next) < 0) {
        const { last } = replica;
        const text = `partition ${partition}: ${epoch}/${operation} committed by ${seat.host}, but ${member.address} ends at ${last.epoch}/${last.operation}`;
        this.#fail('R5', text);
      }
    }
  }

  #count({ status, locks: { grantedCount, endedCount } }: PartitionState, log: ReplicationLog, position: number): void {
    const kind = log.kind(position);
    const counters = this.#counters;
    counters.count('entriesApplied');
    if (kind === EntryKind.expireKey) counters.count('keyExpiries');
    if (kind === EntryKind.detach) counters.count('sessionEnds');
    if (kind === EntryKind.cancel) counters.count('cancels', endedCount);
    if (status === ApplyStatus.queued) counters.count('lockWaits');
    if (status === ApplyStatus.granted) counters.count('grantsAtOnce');
    if (kind === EntryKind.detach && isLoss(log, position)) counters.count('grantsAfterExpiry', grantedCount);
    counters.count('lockHandOvers', grantedCount);
  }

  // ---- now and then

  /** After each event of a node. */
  stepped(node: Node): void {
    this.#book.stepped(node);
    this.deadlocks.stepped();
    for (const kept of node.dataPlane.partitions.replicas) {
      if (kept === null) continue;
      const before = this.#commits.get(kept.state) ?? 0;
      const { commit } = kept.replica;
      if (commit < before && commit > 0)
        this.#fail('R5', `partition ${kept.id}: the commit point of ${node.address} went back`);
      if (commit !== before) this.#commits.set(kept.state, commit);
    }
    const { world } = this.#cluster;
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
    for (const { node, host } of this.#cluster.seats) {
      for (const kept of node?.dataPlane.partitions.replicas ?? []) {
        if (kept === null || kept.state.appliedEpoch === 0) continue;
        const { appliedEpoch, appliedOperation } = kept.state;
        const name = `${kept.id} at ${appliedEpoch}/${appliedOperation}`;
        const digest = digestOf(kept.state);
        const first = digests.get(name);
        if (first === undefined) digests.set(name, { digest, by: host });
        else {
          this.#counters.count('digestsCompared');
          if (first.digest !== digest)
            this.#fail('R16', `partition ${name}: ${host} and ${first.by} hold different states`);
        }
      }
    }
  }

  /** Everything has healed and was judged: what is long past is forgotten, so that runs of any length fit into memory. */
  stageEnded(): void {
    this.#seen.clear();
    for (const { applied } of this.#histories) {
      let excess = applied.size - APPLIED_KEPT;
      for (const name of applied.keys()) {
        if (excess <= 0) break;
        applied.delete(name);
        excess -= 1;
      }
    }
  }

  /** A life is over, or the run: takes what it has counted itself. */
  ended({ dataPlane }: Node): void {
    const { catchUp, strictReads, parked, handOvers, partitions } = dataPlane;
    this.#counters.count('snapshotsInstalled', catchUp.installed);
    this.#counters.count('strictRounds', strictReads.rounds);
    this.#counters.count('leaseWaits', parked.leaseWaits + partitions.waitsForRivals);
    this.#counters.count('handOvers', handOvers.done);
    this.#counters.count('truncations', partitions.truncations);
  }
}

/** The session of a detach has run out. */
function isLoss(log: ReplicationLog, position: number): boolean {
  return log.data[log.offset(position) + ENTRY_HEAD_BYTES + DETACH_LOST] === 1;
}

function entryHash(log: ReplicationLog, position: number): number {
  const end = log.offset(position) + log.length(position);
  let hash = log.length(position);
  for (let at = log.offset(position); at < end; at += 1) hash = (Math.imul(hash, 31) + (log.data[at] as number)) | 0;
  return hash;
}

function outcomeHash(chain: number, state: PartitionState): number {
  let hash = absorb(chain, state.status);
  const { granted, grantedCount } = state.locks;
  for (const word of [state.epoch, state.operation, state.payloadHigh, state.payloadLow, grantedCount])
    hash = absorb(hash, word);
  for (let index = 0; index < grantedCount; index += 1) hash = absorb(hash, granted[index] as number);
  return hash;
}
