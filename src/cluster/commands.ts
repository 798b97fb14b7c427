/**
 * What changes the book: the entries of the Raft log, each applied by reducer.ts on every node alike. Times are carried by
 * the commands (R23); a partition is named with the version that the proposer has seen (R1).
 */
import type { NodeId } from './book.ts';

/** A node comes in for the first time, or in a new life: then its former one is fenced (R3, R4). */
export interface JoinCommand {
  readonly kind: 'join';
  readonly id: NodeId;
  readonly incarnation: string;
  readonly address: string;
  readonly zone: string;
  readonly role: 'data' | 'witness';
  readonly nowMs: number;
}

/** The commander has not heard it for too long (R14, R8), or hears it again. Of another incarnation it says nothing. */
export interface HealthCommand {
  readonly kind: 'down' | 'up';
  readonly slot: number;
  readonly incarnation: string;
  readonly nowMs: number;
}

/** A member goes on purpose: it gets no primaries any more; and when it keeps nothing, it is gone. */
export interface LeaveCommand {
  readonly kind: 'leaving' | 'remove';
  readonly slot: number;
  readonly incarnation: string;
  readonly nowMs: number;
}

/** The primary asks to go on without members that it cannot reach (R18), or with one that has caught up (R19). */
export interface InSyncCommand {
  readonly kind: 'shrink' | 'expand';
  readonly partition: number;
  readonly version: number;
  /** Of the primary that proposes. */
  readonly epoch: number;
  readonly by: number;
  /** Slots, with the incarnations that were measured. */
  readonly members: readonly { readonly slot: number; readonly incarnation: string }[];
}

/**
 * Another primary, and a new epoch: planned hand-over (R17, `by` the present primary, which has made sure that `to` holds
 * everything), or the commander's choice where the primary cannot go on (R18, `by` NO_MEMBER). `to` may be the primary
 * itself: a new epoch for one whose operation numbers run out.
 */
export interface HandOverCommand {
  readonly kind: 'hand-over';
  readonly partition: number;
  readonly version: number;
  readonly epoch: number;
  readonly by: number;
  readonly to: number;
}

/** Other members are to keep the partition (R20). */
export interface RetargetCommand {
  readonly kind: 'retarget';
  readonly partition: number;
  readonly version: number;
  readonly target: readonly number[];
}

/** A lost partition begins anew and empty (R9): an operator's act, or that of `--on-loss empty`. */
export interface ReviveCommand {
  readonly kind: 'revive';
  readonly partition: number;
  readonly version: number;
  readonly nowMs: number;
}

/** Ends whatever was proposed on this version of the partition: it only moves the version on (R17). */
export interface TouchCommand {
  readonly kind: 'touch';
  readonly partition: number;
  readonly version: number;
}

export type Command =
  | JoinCommand
  | HealthCommand
  | LeaveCommand
  | InSyncCommand
  | HandOverCommand
  | RetargetCommand
  | ReviveCommand
  | TouchCommand;
