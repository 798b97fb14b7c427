/**
 * What a node keeps of one partition, whatever its role there: the log, the state, how much of the log is applied, and
 * large values that entries name which are not applied yet.
 */
import { assert } from '../base/assert.ts';
import { Replica } from '../replication/replica.ts';
import type { ReplicationLog } from '../replication/replication-log.ts';
import { stageNamedBy } from './entry-check.ts';
import type { PartitionState } from './partition-state.ts';

export type TakeStage = (stage: number) => Uint8Array;

export class PartitionReplica {
  readonly id: number;
  readonly replica: Replica = new Replica();
  /** Every entry before this position is applied. */
  applied = 0;
  /** Until when what is applied was the latest, as far as others have vouched for it (R13), monotonic milliseconds. */
  latestMs: number = Number.NEGATIVE_INFINITY;
  #state: PartitionState;
  readonly #makeState: (takeStage: TakeStage) => PartitionState;
  readonly #takeStage: TakeStage = (stage) => this.#take(stage);
  /** By stage number. */
  readonly #named: Map<number, Uint8Array> = new Map();
  #namedBytes = 0;
  /** At a primary: values of entries that are applied and that some follower may have to be sent yet. */
  readonly #taken: Map<number, Uint8Array> = new Map();
  takenBytes = 0;
  #keepsTaken = false;

  /** `makeState` makes an empty state whose large values come from `takeStage`. */
  constructor(id: number, makeState: (takeStage: TakeStage) => PartitionState) {
    this.id = id;
    this.#makeState = makeState;
    this.#state = this.newState();
  }

  /** An empty state that could take the place of the present one. */
  newState(): PartitionState {
    return this.#makeState(this.#takeStage);
  }

  get log(): ReplicationLog {
    return this.replica.log;
  }

  get state(): PartitionState {
    return this.#state;
  }

  // ---- large values

  get namedBytes(): number {
    return this.#namedBytes;
  }

  hasNamed(stage: number): boolean {
    return this.#named.has(stage);
  }

  /** An entry that is about to be taken into the log names `value`. */
  name(stage: number, value: Uint8Array): void {
    assert(!this.#named.has(stage), 'a stage is named by one entry');
    this.#named.set(stage, value);
    this.#namedBytes += value.length;
  }

  named(stage: number): Uint8Array | null {
    return this.#named.get(stage) ?? this.#taken.get(stage) ?? null;
  }

  #take(stage: number): Uint8Array {
    const value = this.#named.get(stage);
    assert(value !== undefined, 'a staged value is named only after it is whole');
    this.unname(stage);
    if (this.#keepsTaken) {
      this.#taken.set(stage, value);
      this.takenBytes += value.length;
    }
    return value;
  }

  /** Whether applied values are kept until `letGo`; they are let go at the end. */
  keepTaken(keeps: boolean): void {
    this.#keepsTaken = keeps;
    this.#taken.clear();
    this.takenBytes = 0;
  }

  letGo(stage: number): void {
    this.takenBytes -= this.#taken.get(stage)?.length ?? 0;
    this.#taken.delete(stage);
  }

  unname(stage: number): void {
    const value = this.#named.get(stage);
    if (value === undefined) return;
    this.#named.delete(stage);
    this.#namedBytes -= value.length;
  }

  /** Entries were cut off: what only they named is let go. */
  dropUnnamed(): void {
    if (this.#named.size === 0) return;
    const kept = new Set<number>();
    for (let position = this.applied; position < this.log.next; position += 1) kept.add(this.stageAt(position));
    for (const stage of [...this.#named.keys()]) if (!kept.has(stage)) this.unname(stage);
  }

  /** Number of the stage that the entry at `position` names; −1: none. */
  stageAt(position: number): number {
    return stageNamedBy(this.log.data, this.log.offset(position));
  }

  // ---- beginning anew

  /** R21: another state takes the place of the present one, which is emptied. */
  switchTo(state: PartitionState, position: number): void {
    this.#state.discard();
    this.#state = state;
    this.applied = position;
    this.dropUnnamed();
  }

  /** R9, R4: nothing is left. */
  forget(): void {
    this.replica.forget();
    this.latestMs = Number.NEGATIVE_INFINITY;
    this.switchTo(this.newState(), 0);
  }
}
