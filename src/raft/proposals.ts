/** Why a node did not take what its driver asked of it. Values, not errors: most pass by themselves. */

export type ProposeRefusal =
  /** Ask the leader. */
  | 'not-leader'
  /** More than `entryBytesMax`. */
  | 'too-large'
  /** Too much is uncommitted, or not yet compacted. */
  | 'full'
  /** Leadership is being handed over. */
  | 'transferring'
  /** The process was paused, and no majority has answered since. */
  | 'unconfirmed'
  /** A change of members: no entry of this leader's term is committed yet. */
  | 'term-not-committed'
  /** A change of members: the one before is not committed yet. */
  | 'change-pending'
  /** A change of members: it is so already, or it would leave no voter. */
  | 'no-change'
  /** A change of members: the learner lacks too much to get a vote. */
  | 'not-caught-up';

export type TransferRefusal = 'not-leader' | 'not-a-voter' | 'transferring';

export type ReadRefusal = 'no-leader' | 'full';

/** Where an accepted proposal stands: committed if an entry of this term is applied at this index, lost if of another. */
export interface Accepted {
  readonly index: number;
  readonly term: number;
}

export type Proposed = { readonly accepted: Accepted } | { readonly refused: ProposeRefusal };
