/** What happened in a run, counted: a kind of thing that never happens was not tried. */
import { isDynamic } from './dynamic.ts';
import { type FaultKind, faultKinds, triedKinds } from './faults.ts';

export type Outcome = 'ok' | 'fail' | 'unknown';

/** Things that the observer and the workload count, each with what it is called in the table. */
export const happenings = {
  deduplicated: 'retries answered from a record or joined',
  retried: 'requests that came to a primary twice',
  keyExpiries: 'keys expired',
  sessionEnds: 'sessions ended',
  lockGrants: 'locks granted',
  grantsAtOnce: 'grants at once, as primaries saw them',
  lockWaits: 'waits for a lock queued',
  lockHandOvers: 'locks passed to a waiter',
  grantsAfterExpiry: 'of these when a session had run out',
  locksLost: 'locks lost by their holders',
  cancels: 'waits cancelled',
  sharedGrants: 'locks granted in other modes',
  conversions: 'locks converted',
  conversionDeadlocks: 'conversions refused for a deadlock',
  locksWanted: 'holders told that somebody waits',
  fencedOff: 'writes refused for their fence',
  groupsLocked: 'locks taken together',
  storedWithRelease: 'values stored with a release',
  conflicts: 'compare-and-sets refused',
  largeValues: 'large values written',
  rowsLoaded: 'rows loaded',
  checksDone: 'partitions compared by the cluster itself',
  checksUndecided: 'of these undecided',
  entriesApplied: 'entries applied',
  digestsCompared: 'states of replicas compared',
  connections: 'connections made',
  refusedConnections: 'connections refused',
  brokenConnections: 'connections broken',
  timedOutConnections: 'connections given up',
  nodeStarts: 'nodes started',
  fullRestarts: 'restarts of all nodes',
} as const;

/** What happens only where there are state directories and a book. */
export const dynamicHappenings = {
  elections: 'commanders elected',
  failovers: 'primaries that followed on a dead one',
  handOvers: 'primaries handed over on purpose',
  shrinks: 'members taken out of in-sync sets',
  expands: 'members taken into in-sync sets',
  snapshotsInstalled: 'snapshots installed by replicas',
  truncations: 'logs of replicas cut back',
  leaseWaits: 'leases of a former primary waited out',
  deadlocksResolved: 'deadlocks resolved',
  deadlocksDropped: 'circles of waits that were no deadlock any more when looked at again',
  strictRounds: 'confirmation rounds of strict reads',
  staleReads: 'reads of any replica',
  partitionsLost: 'partitions lost',
  partitionsRevived: 'lost partitions begun anew',
  joins: 'nodes that joined',
  fencedRestarts: 'restarted nodes fenced',
  deposedUnknown: 'deposed primaries with unknown outcomes',
  plannedStops: 'nodes stopped on purpose',
  disksWiped: 'disks emptied',
  disksDamaged: 'disks damaged',
  disksReplaced: 'damaged disks refused and replaced',
  tornWrites: 'writes to disk torn by a crash',
  refusedWrites: 'writes refused by a full disk',
} as const;

export type Happening = keyof typeof happenings | keyof typeof dynamicHappenings;

const everything: Readonly<Record<Happening, string>> = { ...happenings, ...dynamicHappenings };

/** Those that must happen in a long campaign, each with its text. */
export const expectedHappenings: Readonly<Partial<Record<Happening, string>>> = isDynamic ? everything : happenings;

export interface CountersData {
  readonly operations: Iterable<[string, Record<Outcome, number>]>;
  readonly errors: Iterable<[string, number]>;
  readonly faults: Record<FaultKind, number>;
  readonly happened: Record<Happening, number>;
  readonly runs: number;
  readonly events: number;
  readonly virtualMs: number;
}

export class Counters {
  /** By kind of operation, how it ended. */
  readonly operations: Map<string, Record<Outcome, number>> = new Map();
  readonly faults: Record<FaultKind, number> = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >;
  readonly happened: Record<Happening, number> = Object.fromEntries(
    Object.keys(everything).map((name) => [name, 0]),
  ) as Record<Happening, number>;
  /** By error code, how many operations ended with it. */
  readonly errors: Map<string, number> = new Map();
  runs = 0;
  events = 0;
  virtualMs = 0;

  operation(kind: string, outcome: Outcome): void {
    let row = this.operations.get(kind);
    if (row === undefined) {
      row = { ok: 0, fail: 0, unknown: 0 };
      this.operations.set(kind, row);
    }
    row[outcome] += 1;
  }

  error(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  fault(kind: FaultKind): void {
    this.faults[kind] += 1;
  }

  count(happening: Happening, times = 1): void {
    this.happened[happening] += times;
  }

  get operationCount(): number {
    let sum = 0;
    for (const { ok, fail, unknown } of this.operations.values()) sum += ok + fail + unknown;
    return sum;
  }

  get faultCount(): number {
    return faultKinds.reduce((sum, kind) => sum + this.faults[kind], 0);
  }

  /** As plain data, to be handed from one process to another. */
  toJSON(): CountersData {
    const { faults, happened, runs, events, virtualMs } = this;
    return { operations: [...this.operations], errors: [...this.errors], faults, happened, runs, events, virtualMs };
  }

  add(other: CountersData | Counters): void {
    for (const [kind, row] of other.operations) {
      const mine = this.operations.get(kind) ?? { ok: 0, fail: 0, unknown: 0 };
      this.operations.set(kind, {
        ok: mine.ok + row.ok,
        fail: mine.fail + row.fail,
        unknown: mine.unknown + row.unknown,
      });
    }
    for (const [code, times] of other.errors) this.errors.set(code, (this.errors.get(code) ?? 0) + times);
    for (const kind of faultKinds) this.faults[kind] += other.faults[kind];
    for (const name of Object.keys(everything) as Happening[]) this.happened[name] += other.happened[name];
    this.runs += other.runs;
    this.events += other.events;
    this.virtualMs += other.virtualMs;
  }

  /** What was never seen, in words. */
  get missing(): string[] {
    const faults = triedKinds.filter((kind) => this.faults[kind] === 0).map((kind) => `fault ${kind}`);
    const things = (Object.keys(expectedHappenings) as Happening[]).filter((name) => this.happened[name] === 0);
    const unknown = [...this.operations.values()].some((row) => row.unknown > 0) ? [] : ['unknown outcomes'];
    return [...faults, ...things.map((name) => everything[name]), ...unknown];
  }
}
