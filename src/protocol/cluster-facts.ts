/** Questions of operators about the cluster and their answers (CLUS, CLUD): JSON on the wire; fields may be added. */

export type ClusterRequest =
  | { readonly command: 'status' }
  | { readonly command: 'members' }
  /** From partition `from` on, as many as one answer holds; `of`: only those that the node at this address keeps. */
  | { readonly command: 'partitions'; readonly from: number; readonly of?: string; readonly lost?: boolean }
  /** Moves the primary; without `to` the node chooses. */
  | { readonly command: 'transfer'; readonly partition: number; readonly to?: string }
  /** Makes the node that is asked the only voter. On trial: says what that would mean, and does nothing. */
  | { readonly command: 'reform'; readonly isTrial: boolean };

/** What the answering node is in the cluster. */
export interface NodeInCluster {
  readonly address: string;
  /** founding: there is no cluster yet. joining: it has not taken this node in yet. */
  readonly state: 'founding' | 'joining' | 'member' | 'failed';
  /** What it waits for; '' nothing. */
  readonly waitsFor: string;
  /** Its part in Raft. */
  readonly role: string;
  readonly term: number;
  /** Its log: the last entry and that entry's term, committed up to. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly commit: number;
  /** Address of the commander as it knows it; '' none. */
  readonly commander: string;
  readonly bookVersion: number;
  /** Its state directory; '' none. */
  readonly directory: string;
}

/** lost: every copy is gone. incomplete: it takes writes, with fewer copies than wanted. */
export type PartitionState = 'ok' | 'incomplete' | 'below-min' | 'no-primary' | 'lost';

export interface ClusterSummary {
  readonly id: string;
  readonly name: string;
  readonly foundedAtMs: number;
  readonly bookVersion: number;
  /** Addresses of those whose majority keeps the book. */
  readonly voters: readonly string[];
  readonly members: {
    readonly total: number;
    readonly up: number;
    readonly down: number;
    readonly leaving: number;
    readonly witnesses: number;
  };
  /** Each partition counts once. */
  readonly partitions: {
    readonly total: number;
    readonly ok: number;
    readonly incomplete: number;
    readonly belowMin: number;
    readonly withoutPrimary: number;
    readonly lost: number;
  };
  readonly settings: {
    readonly replicas: number;
    readonly min: number;
    readonly maxLeaseMs: number;
    readonly onLoss: string;
  };
  /** So many nodes, whichever they are, can go without anything committed being lost. */
  readonly canLose: number;
  /** So many can go at once and every partition takes writes again. */
  readonly goesOnWithout: number;
}

export interface StatusAnswer {
  readonly node: NodeInCluster;
  /** Null: the node knows of no cluster. */
  readonly cluster: ClusterSummary | null;
}

export interface MemberFacts {
  readonly slot: number;
  readonly address: string;
  /** '' none. */
  readonly zone: string;
  readonly role: 'data' | 'witness';
  readonly health: 'up' | 'down' | 'leaving';
  readonly incarnation: string;
  readonly isCommander: boolean;
  readonly isVoter: boolean;
  /** Partitions it is primary of, is in sync with, and is to catch up with. */
  readonly primaries: number;
  readonly replicas: number;
  readonly learning: number;
  /** Version of the book in which it came: the smaller, the longer it lives. */
  readonly joinedAt: number;
}

export interface MembersAnswer {
  readonly bookVersion: number;
  /** The longest-lived first. */
  readonly members: readonly MemberFacts[];
}

export interface PartitionFacts {
  readonly partition: number;
  readonly state: PartitionState;
  readonly version: number;
  readonly epoch: number;
  /** Addresses; null: no primary at present. */
  readonly primary: string | null;
  readonly inSync: readonly string[];
  readonly eligible: readonly string[];
  readonly target: readonly string[];
  /** Since when every copy is gone, and who kept them last; null: not so. */
  readonly lost: { readonly sinceMs: number; readonly keepers: readonly string[] } | null;
}

export interface PartitionsAnswer {
  readonly bookVersion: number;
  readonly partitions: readonly PartitionFacts[];
  /** Where to go on; null: that was all. */
  readonly next: number | null;
}

export interface TransferAnswer {
  readonly partition: number;
  /** Addresses. The hand-over has begun; it is over when the book names the other primary. */
  readonly from: string;
  readonly to: string;
}

export interface ReformAnswer {
  /** What it means, a sentence each. */
  readonly steps: readonly string[];
  /** Why it could not begin now; null: nothing stands in its way. */
  readonly obstacle: string | null;
  readonly isBegun: boolean;
}
