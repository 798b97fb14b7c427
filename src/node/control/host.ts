/** What the control plane asks of its node, and what it shows to people. */
import type { Disk } from '../../base/ports.ts';
import type { Book } from '../../cluster/book.ts';
import type { KeyvalError } from '../../errors.ts';
import type { FrameWriter } from '../../protocol/frame-writer.ts';
import type { RoleName } from '../../raft/core.ts';
import type { NodePorts } from '../ports.ts';

export type ControlPorts = Pick<NodePorts, 'clock' | 'timers' | 'random' | 'log'>;

/** How this node was started. */
export interface ControlIdentity {
  /** Name of the cluster. */
  readonly cluster: string;
  /** Own address, as the others know it. */
  readonly address: string;
  readonly zone: string;
  readonly role: 'data' | 'witness';
  readonly incarnation: Uint8Array;
  /** Addresses of all that are to found the cluster, own included, sorted. */
  readonly founders: readonly string[];
  readonly partitions: number;
  readonly replicas: number;
  readonly min: number;
  readonly maxLeaseMs: number;
  readonly onLoss: 'stop' | 'empty';
  readonly isNew: boolean;
}

export interface ControlHost {
  readonly ports: ControlPorts;
  /** Null: this node keeps nothing; another life of it is another node. */
  readonly disk: Disk | null;
  readonly identity: ControlIdentity;
  /** Sends one frame on the control link of the node at `address`; false: there is no link now. */
  send(address: string, opcode: number, encode: (frames: FrameWriter) => void): boolean;
  /** The book has changed: called once for each change, in order, and once after the start when a book is known. */
  bookChanged(book: Book, before: Book | null): void;
  /** This node cannot go on. It answers nobody from now on; the node logs the error and ends. */
  failed(error: KeyvalError): void;
}

/** What the login has told of the other side. */
export interface PeerFacts {
  readonly nodeId: number;
  /** '' none yet. */
  readonly clusterId: string;
  readonly incarnation: Uint8Array;
}

export interface ControlStatus {
  readonly nodeId: number;
  readonly clusterId: string;
  /** founding: no cluster yet. joining: the cluster has not taken this life of this node in yet. */
  readonly state: 'founding' | 'joining' | 'member' | 'failed';
  /** What a founding or joining node waits for; '' nothing. */
  readonly waitsFor: string;
  /** Path of the state directory; '' none. */
  readonly directory: string;
  readonly role: RoleName | 'none';
  readonly term: number;
  /** Addresses; a node that the book does not know is shown by its id. */
  readonly leader: string;
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly bookVersion: number;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly logBytes: number;
  /** Changes of leadership seen in this life, and the time spent without a leader in all, the present spell included. */
  readonly leaderChanges: number;
  readonly withoutLeaderMs: number;
}
