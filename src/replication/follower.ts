/** One other replica of a partition, as its primary knows it. */

export const FollowerState = {
  /** Not heard in this epoch: what it holds is not known. */
  unknown: 0,
  /** Acknowledges this epoch: its log is the primary's, as far as `match` says. */
  following: 1,
  /** It lacks more than the log has: a snapshot is on its way, or to be sent. */
  needsSnapshot: 2,
} as const;

export class Follower {
  /** Slot in the book. */
  readonly member: number;
  /** It holds everything before this position. match ≤ sent ≤ next, once it follows. */
  match = 0;
  /** Next position to send. */
  sent = 0;
  state: number = FollowerState.unknown;
  /** In the in-sync set of the book as last applied. */
  inSync = false;
  /** In an in-sync set that was proposed, and nobody knows yet what became of it (R5, R19). */
  proposed = false;

  /** With `needsSnapshot`: position of the snapshot on its way; −1: none is. */
  snapshotAt = -1;

  constructor(member: number) {
    this.member = member;
  }

  /** R5: nothing commits without it. */
  get mustHold(): boolean {
    return this.inSync || this.proposed;
  }

  /** The first position that it may have to be sent; infinity: it is no use to keep anything for it. */
  get neededFrom(): number {
    if (this.state === FollowerState.following) return this.match;
    if (this.state === FollowerState.unknown) return this.sent;
    return this.snapshotAt < 0 ? Number.POSITIVE_INFINITY : this.snapshotAt;
  }
}
