/**
 * The book: who belongs to the cluster and who keeps which partition, as committed by Raft. Plain values that are never
 * changed in place; reducer.ts makes the next one from a command (R1). Members are named by *slot*, their place in
 * `members`; a slot that is free again may be given to somebody else.
 */

/** 48 bits, kept in the state directory; a node without one draws it anew for each life. */
export type NodeId = number;

/** In place of a slot: nobody. */
export const NO_MEMBER = 0xffff;

export type MemberHealth = 'up' | 'down' | 'leaving';

export interface BookMember {
  readonly slot: number;
  readonly id: NodeId;
  /** The life that counts, 16 hexadecimal digits: of any other nothing is believed (R3). */
  readonly incarnation: string;
  /** The life before it, '' none: it cannot come back, not even by a command that was under way for long. */
  readonly former: string;
  readonly address: string;
  /** '' none. */
  readonly zone: string;
  /** A witness votes and keeps no keys. */
  readonly role: 'data' | 'witness';
  /** Version of the book in which this incarnation came: the smaller, the longer it has lived. */
  readonly joinedAt: number;
  readonly health: MemberHealth;
  /** When it failed lately, Unix milliseconds: three within five minutes keep primaries away for as long. */
  readonly failuresMs: readonly number[];
}

/** Why a partition has nobody who could go on from what was committed (R9). */
export interface LostPartition {
  /** Unix milliseconds. */
  readonly sinceMs: number;
  /** Addresses of those who kept it last. */
  readonly keepers: readonly string[];
  /** How long after that it may begin anew: so long a former keeper that is cut off may go on serving. */
  readonly waitMs: number;
}

export interface BookPartition {
  /** Of the book, when this entry changed last: every change names the version it is based on. */
  readonly version: number;
  /** Number of the configuration that has, or had, a primary. */
  readonly epoch: number;
  /** Epoch in which the partition began, or began anew: what is older does not belong to it (R9). */
  readonly firstEpoch: number;
  /** NO_MEMBER: nobody can be at present. */
  readonly primary: number;
  /** In-sync set, the primary included. */
  readonly isr: readonly number[];
  /** Taken out of the in-sync set while commits were frozen below `min`: they hold all that is committed (R8). */
  readonly eligible: readonly number[];
  /** Members that are to keep it, the preferred primary first. */
  readonly target: readonly number[];
  /** Null, unless all who held it are gone. */
  readonly lost: LostPartition | null;
  /** No lock is granted before this moment, Unix milliseconds: after a partition began anew (R9). 0: at once. */
  readonly locksFromMs: number;
}

export interface BookSettings {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly foundedAtSeconds: number;
  readonly partitions: number;
  readonly replicas: number;
  /** Least in-sync members that may commit, as asked for: `minOf` caps it. */
  readonly min: number;
  /** Longest lease of a session, and how long no lock is granted where holders of a former life may believe in theirs. */
  readonly maxLeaseMs: number;
  readonly onLoss: 'stop' | 'empty';
}

export interface Book {
  /** Counts the changes. */
  readonly version: number;
  readonly settings: BookSettings;
  /** By slot; null: free. */
  readonly members: readonly (BookMember | null)[];
  readonly partitions: readonly BookPartition[];
}
