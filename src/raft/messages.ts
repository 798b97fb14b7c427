/**
 * What a Raft node takes in and gives out: entries, messages, and one `Ready` at a time (etcd-io/raft). Plain data
 * without behaviour; the codec of the wire is protocol/raft-codec.ts, the one of the disk is items.ts. Terms, indexes and
 * node ids are whole numbers below 2⁴⁸.
 */

/** Kept in the state directory, drawn at random when that is founded; a wiped directory is another node. */
export type NodeId = number;

/** In place of a node id: none. */
export const NOBODY: NodeId = 0;

export const EntryKind = {
  /** The first entry of a leader: it commits what former terms left (Raft §8). */
  nothing: 0,
  /** A command of the book. */
  command: 1,
  /** A configuration; it counts from the moment it stands in the log (thesis 4.1). */
  configuration: 2,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly data: Uint8Array;
}

/** Voters and learners, each in the order in which they joined. Nobody is both. */
export interface Configuration {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

/** What must be durable before anything is answered (Raft figure 2); the commit index only saves work after a restart. */
export interface HardState {
  readonly term: number;
  readonly vote: NodeId;
  readonly commit: number;
}

/** The applied state at one index; it stands for all entries up to there. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  readonly data: Uint8Array;
}

interface Between {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; in `pre-vote` and a granted `pre-vote-reply` the term it would be. */
  readonly term: number;
}

export interface PreVoteRequest extends Between {
  readonly type: 'pre-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface VoteRequest extends Between {
  readonly type: 'vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election: a follower that hears it votes all the same (thesis 4.2.3). */
  readonly isTransfer: boolean;
}

export interface VoteReply extends Between {
  readonly type: 'pre-vote-reply' | 'vote-reply';
  readonly isGranted: boolean;
}

export interface Append extends Between {
  readonly type: 'append';
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

export interface AppendReply extends Between {
  readonly type: 'append-reply';
  readonly isRejected: boolean;
  /** Accepted: everything through here is held and equal. Rejected: the `previousIndex` that did not fit. */
  readonly index: number;
  /** Rejected: the last place where the logs may agree, and the term there. */
  readonly hintIndex: number;
  readonly hintTerm: number;
}

export interface Heartbeat extends Between {
  readonly type: 'heartbeat';
  readonly commit: number;
  /** Counts the leader's heartbeats: a reply confirms its leadership as of the moment the round was sent. */
  readonly round: number;
}

export interface HeartbeatReply extends Between {
  readonly type: 'heartbeat-reply';
  readonly round: number;
}

export interface InstallSnapshot extends Between {
  readonly type: 'snapshot';
  readonly snapshot: Snapshot;
}

/** Stand for election at once (thesis 3.10). */
export interface TimeOutNow extends Between {
  readonly type: 'time-out-now';
}

export interface ReadRequest extends Between {
  readonly type: 'read-request';
  readonly id: number;
}

export interface ReadReply extends Between {
  readonly type: 'read-reply';
  readonly id: number;
  readonly index: number;
}

export type Message =
  | PreVoteRequest
  | VoteRequest
  | VoteReply
  | Append
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | InstallSnapshot
  | TimeOutNow
  | ReadRequest
  | ReadReply;

/** A read that may be answered as soon as `index` is applied; null: leadership was lost, ask again. */
export interface ReadState {
  readonly id: number;
  readonly index: number | null;
}

/**
 * What the driver has to do, in this order: make `hardState`, `snapshot` and `entries` durable in one step, send
 * `messages`, load `snapshot` if `isInstalled`, apply `committed`, answer `reads`; then call `advance()`.
 */
export interface Ready {
  readonly hardState: HardState | null;
  readonly snapshot: Snapshot | null;
  /** The snapshot came from the leader and replaces the state; otherwise it is this node's own. */
  readonly isInstalled: boolean;
  /** Replace everything in the durable log from the first of them on. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
}

/** What a state directory holds: where a node starts from. */
export interface DurableState {
  readonly hardState: HardState;
  /** At index 0 for a cluster just founded: it brings the first configuration. */
  readonly snapshot: Snapshot;
  /** Those behind the snapshot. */
  readonly entries: readonly Entry[];
}

/** Makes what a `Ready` brings durable. One at a time. */
export interface RaftStorage {
  /**
   * `done(null)`: hard state, snapshot and entries will be there after a power cut. `done(error)`: nobody knows, and the
   * storage takes no more; the node must not answer anybody before it was started anew.
   */
  persist(ready: Ready, done: (error: Error | null) => void): void;
}
