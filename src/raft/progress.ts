/**
 * What the leader knows of one follower, in one of three states (etcd-io/raft `tracker/progress.go`):
 *
 *     probe ──accepted──► replicate      probe: one append at a time until a place is found where the logs agree
 *       ▲ ◄──rejected───────┘            replicate: appends follow one another unanswered, as many as `InFlight` allows
 *       └──accepted or given up── snapshot ◄── the log no longer reaches back to what it needs
 */

import { InFlight } from './in-flight.ts';
import type { Entry, NodeId } from './messages.ts';
import { bytesOf } from './raft-log.ts';
import type { RaftSettings } from './settings.ts';

export type ProgressState = 'probe' | 'replicate' | 'snapshot';

export class Progress {
  readonly id: NodeId;
  /** Highest index known to be held by the follower as here. */
  match = 0; // match < next
  /** First index to send next. */
  next: number;
  state: ProgressState = 'probe';
  /** A probe is under way: nothing is sent before its answer or the next heartbeat. */
  isWaiting = false;
  /** When the snapshot under way was sent. */
  snapshotSentMs = 0;
  /** Last answer of any kind in this term. */
  heardMs: number;
  /** Highest round of heartbeats it has answered. */
  round = 0;
  /** Last round of heartbeats sent to it, and the one before the probe under way. */
  roundSent = 0;
  #roundBeforeProbe = 0;
  /** Highest commit index it has been told. */
  commitTold = 0;
  readonly inFlight: InFlight;

  constructor(id: NodeId, next: number, settings: RaftSettings, nowMs: number) {
    this.id = id;
    this.next = next;
    this.heardMs = nowMs;
    this.inFlight = new InFlight(settings.inFlightMessagesMax, settings.inFlightBytesMax);
  }

  /** Nothing may be sent now but heartbeats. */
  get isPaused(): boolean {
    if (this.state === 'replicate') return this.inFlight.isFull;
    return this.state === 'snapshot' || this.isWaiting;
  }

  sent(entries: readonly Entry[]): void {
    if (this.state === 'probe') {
      this.isWaiting = true;
      this.#roundBeforeProbe = this.roundSent;
      return;
    }
    const last = entries.at(-1);
    if (last === undefined) return;
    this.next = last.index + 1;
    let bytes = 0;
    for (const entry of entries) bytes += bytesOf(entry);
    this.inFlight.add(last.index, bytes);
  }

  /** It has answered a heartbeat: a probe sent before that, and still unanswered, is taken as lost. */
  answeredRound(round: number): void {
    this.round = Math.max(this.round, round);
    if (round > this.#roundBeforeProbe) this.isWaiting = false;
    if (this.inFlight.isFull) this.inFlight.freeOldest();
  }

  sentSnapshot(index: number, nowMs: number): void {
    this.#enter('snapshot');
    this.next = index + 1;
    this.snapshotSentMs = nowMs;
  }

  /** The follower holds everything through `index`. */
  accepted(index: number, baseIndex: number): void {
    this.match = Math.max(this.match, index);
    this.next = Math.max(this.next, this.match + 1);
    if (this.state === 'replicate') return this.inFlight.freeTo(index);
    // Out of a snapshot once the log reaches back to what is needed next; whether it was this snapshot does not matter.
    if (this.state === 'snapshot' && this.match < baseIndex) return;
    this.#enter('replicate');
    this.next = this.match + 1;
  }

  /**
   * The append behind `index` did not fit; the logs may agree at `hint`.
   * @returns false for an answer that later ones have overtaken
   */
  rejected(index: number, hint: number): boolean {
    if (index <= this.match || this.state === 'snapshot') return false;
    if (this.state === 'probe' && this.next - 1 !== index) return false;
    this.probeFrom(Math.min(index, hint + 1));
    return true;
  }

  /** Looks for the place where the logs agree, from `next` down. */
  probeFrom(next: number): void {
    this.#enter('probe');
    this.next = Math.max(next, this.match + 1);
  }

  #enter(state: ProgressState): void {
    this.state = state;
    this.isWaiting = false;
    this.inFlight.clear();
  }
}
