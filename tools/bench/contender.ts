/** What is measured: a keyval client or an echo client, each in a process of its own. */
import type { Operation } from './cases.ts';

/** Counts what the loops of one run have done, and tells them when to end. */
export class Tally {
  count = 0;
  isStopped = false;

  /** One that is stopped from the start: a loop does one operation with it and ends. */
  static ofOne(): Tally {
    const tally = new Tally();
    tally.isStopped = true;
    return tally;
  }
}

/** Does one operation after another until the tally is stopped, at least one. Rejects when an answer is wrong. */
export type Loop = (tally: Tally) => Promise<void>;

export interface WorkloadOptions {
  readonly operation: Operation;
  readonly loops: number;
  readonly frameBytes: number;
}

/** The loops of one run. */
export interface Workload {
  /** One per loop; each is called several times, never while it runs. */
  readonly loops: readonly Loop[];
  /** CPU time of the server side since its start, microseconds; null when not known. */
  serverCpuMicros(): Promise<number | null>;
  close(): Promise<void>;
}

export interface Contender {
  prepare(options: WorkloadOptions): Promise<Workload>;
}
