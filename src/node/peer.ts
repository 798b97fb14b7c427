/**
 * Another member of the cluster, as one node sees it: its links, its incarnation, and whether it can be counted on.
 * One control link and one bulk link join each pair of members; the one that sorts first dials both.
 */
import type { Address } from '../base/ports.ts';
import type { Connection } from './connection.ts';
import type { Stages } from './stages.ts';

/** A peer says something at least this often. */
export const HEARTBEAT_MS = 100;
/** Silent for this long: down. */
export const SILENCE_MS = 600;

export type PeerState = 'connecting' | 'up' | 'silent' | 'refused';

export class Peer {
  /** Index among the sorted members. */
  readonly member: number;
  readonly name: string;
  readonly address: Address;
  control: Connection | null = null;
  bulk: Connection | null = null;
  incarnation: Uint8Array | null = null;
  /** Counts its incarnations as they were met here; −1: none yet. */
  life = -1;
  heardAtMs = 0;
  state: PeerState = 'connecting';
  /** Why it is not up, for people. */
  reason = 'not connected yet';
  /** It has reached its memory limit. */
  memoryFull = false;
  /** Stages to forget that it has not been told of. */
  readonly dropsOwed: number[] = [];
  /** Told on the present bulk link, the latest: it may break before it brings them. */
  readonly dropsTold: number[] = [];
  /** It was logged that this peer holds state of a former life of this node. */
  refusalTold = false;
  // Batches being encoded at the end of a turn.
  appending = false;
  acknowledging = false;
  /** Values that this peer, as a primary, has staged here. */
  readonly stages: Stages;

  constructor(member: number, name: string, address: Address, stages: Stages) {
    this.stages = stages;
    this.member = member;
    this.name = name;
    this.address = address;
  }

  get healthy(): boolean {
    return this.state === 'up';
  }
}
