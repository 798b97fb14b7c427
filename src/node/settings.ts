/** What a node is told when it starts, after the command line or the program has been checked. */
import { LEASE_MS_MAX } from '../protocol/limits.ts';

/** What becomes of partitions that nobody holds any more (R9): they wait for an operator, or begin anew and empty. */
export type OnLoss = 'stop' | 'empty';

/** How reads are served that do not say it: confirmed by a majority (R10), or under the primary's lease (R12). */
export type Reads = 'strict' | 'lease';

export interface NodeSettings {
  readonly cluster: string;
  /** Own address, as the others know it: `host:port`. */
  readonly address: string;
  /** All members' addresses, own included, sorted. */
  readonly members: readonly string[];
  readonly partitions: number;
  readonly replicas: number;
  readonly secret: Uint8Array | null;
  /** 0: no limit. */
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  /** Least in-sync members of a partition that take writes; capped by the number of members that keep keys (R8). */
  readonly minInSync: number;
  /** There was no cluster of this name before: it is founded at once, also without a directory, and grants locks at once. */
  readonly isNew: boolean;
  readonly onLoss: OnLoss;
  readonly reads: Reads;
  /** Where it stands, for listings; placement does not look at it yet. '' for none. */
  readonly zone: string;
  /** It votes and keeps no keys. */
  readonly isWitness: boolean;
  /** Longest lease of a session; for as long no lock is granted where holders of a former life may believe in theirs. */
  readonly maxLeaseMs: number;
  /** How often deadlocks are looked for (L10), milliseconds; 0: never. Counts at the commander. */
  readonly deadlockPeriodMs: number;
  /** Waits that have not lasted so long are no part of any. Counts at the commander. */
  readonly deadlockAfterMs: number;
  /** Version of the package, for status. */
  readonly version: string;
}

export const DEFAULT_PARTITIONS = 256;
export const DEFAULT_REPLICAS = 3;
export const DEFAULT_CONNECTIONS_MAX = 10_000;
export const DEFAULT_CLUSTER = 'keyval';
export const DEFAULT_MIN_IN_SYNC = 2;
export const DEFAULT_MAX_LEASE_MS: number = LEASE_MS_MAX;
export const DEFAULT_DEADLOCK_PERIOD_MS = 1000;
export const DEFAULT_DEADLOCK_AFTER_MS = 500;
export const DEADLOCK_MS_MAX = 3_600_000;
export const MAX_LEASE_MS_MIN = 1000;
export const MAX_LEASE_MS_MAX: number = LEASE_MS_MAX;

/** For programs that put nodes together themselves: a cluster without a past, everything else as nobody says otherwise. */
export const usualSettings: Pick<
  NodeSettings,
  | 'minInSync'
  | 'isNew'
  | 'onLoss'
  | 'reads'
  | 'zone'
  | 'isWitness'
  | 'maxLeaseMs'
  | 'deadlockPeriodMs'
  | 'deadlockAfterMs'
> = {
  minInSync: DEFAULT_MIN_IN_SYNC,
  isNew: true,
  onLoss: 'stop',
  reads: 'lease',
  zone: '',
  isWitness: false,
  maxLeaseMs: DEFAULT_MAX_LEASE_MS,
  deadlockPeriodMs: DEFAULT_DEADLOCK_PERIOD_MS,
  deadlockAfterMs: DEFAULT_DEADLOCK_AFTER_MS,
};
