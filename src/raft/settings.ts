/** The numbers of Raft, in one place (shared design, "The control plane" and "Defaults"). */

import { assert } from '../base/assert.ts';

export interface RaftSettings {
  /** The leader is heard this often; a node whose own ticks are further apart than two of these was paused. */
  readonly heartbeatMs: number;
  /** Least silence before an election, and the time in which a leader must hear a majority. */
  readonly electionMs: number;
  /** Added to the election time-out per older voter. */
  readonly seniorityMs: number;
  /** Up to this much is added at random, so that two who tie do not tie again. */
  readonly jitterMs: number;
  /** A larger proposal is refused. */
  readonly entryBytesMax: number;
  /** Bytes of entries in one append; a single entry may be larger. */
  readonly messageBytesMax: number;
  /** Appends sent to a follower and not yet answered, and the bytes in them. */
  readonly inFlightMessagesMax: number;
  readonly inFlightBytesMax: number;
  /** Bytes proposed and not yet committed; further proposals are refused. */
  readonly uncommittedBytesMax: number;
  /** Bytes of the whole log in memory; further proposals are refused until it has been compacted. */
  readonly logBytesMax: number;
  /** Largest state in a snapshot: it travels in one frame. */
  readonly snapshotBytesMax: number;
  /** Entries kept behind a snapshot, for followers that are a little late. */
  readonly keptEntries: number;
  /** From this many applied entries or bytes on, a snapshot is worth its cost. */
  readonly compactEntries: number;
  readonly compactBytes: number;
  /** Bytes of committed entries in one `Ready`; a single entry may be larger. */
  readonly applyBytesMax: number;
  /** Reads that wait for their round; further ones are refused. */
  readonly readsMax: number;
  /** Messages that wait for the disk; further ones are dropped, as a network would. */
  readonly outboxMax: number;
}

const KIB = 1024;
const MIB: number = 1024 * 1024;

export const defaultRaftSettings: RaftSettings = {
  heartbeatMs: 100,
  electionMs: 600,
  seniorityMs: 100,
  jitterMs: 50,
  entryBytesMax: MIB,
  messageBytesMax: 256 * KIB,
  inFlightMessagesMax: 64,
  inFlightBytesMax: 4 * MIB,
  uncommittedBytesMax: 8 * MIB,
  logBytesMax: 64 * MIB,
  snapshotBytesMax: 12 * MIB,
  keptEntries: 512,
  compactEntries: 4096,
  compactBytes: 4 * MIB,
  applyBytesMax: MIB,
  readsMax: 10_000,
  outboxMax: 4096,
};

/**
 * A follower that heard its leader within this time ignores requests for votes (thesis 4.2.3). Less than the shortest
 * election time-out by one heartbeat: voters heard the last one at slightly different times, and the first candidate
 * must not be ignored by those that heard it last.
 */
export function stickyMs(settings: RaftSettings): number {
  return settings.electionMs - settings.heartbeatMs;
}

/** Own ticks further apart than this: the process was paused. One heartbeat is the distance kept, one more the pause. */
export function pauseMs(settings: RaftSettings): number {
  return 2 * settings.heartbeatMs;
}

/** An answer to a snapshot may take this long before it is sent again. */
export function snapshotRetryMs(settings: RaftSettings): number {
  return 3 * settings.electionMs;
}

export function checkSettings(settings: RaftSettings): void {
  const { heartbeatMs, electionMs } = settings;
  assert(heartbeatMs > 0 && electionMs >= 3 * heartbeatMs, 'an election must take at least three heartbeats');
  assert(settings.uncommittedBytesMax >= settings.entryBytesMax, 'one entry must fit into what may be uncommitted');
  assert(settings.logBytesMax >= settings.uncommittedBytesMax, 'what is uncommitted must fit into the log');
  assert(settings.logBytesMax > settings.compactBytes, 'the log must be compacted before it is full');
  assert(settings.inFlightMessagesMax >= 1 && settings.inFlightBytesMax >= 1, 'something must be in flight');
}
