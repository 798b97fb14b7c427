/** Parts of what a node says of itself (STAT, STAD) that both sides name: JSON on the wire; fields may be added. */

/** Milliseconds: middle, 99th percentile, maximum. */
export interface SpreadMs {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the worker threads of a node have done since its start. */
export interface WorkerFacts {
  /** Threads that run now, and at most. */
  readonly threads: number;
  readonly threadsMax: number;
  /** Tasks that a thread has ended, and those of them that failed. */
  readonly tasks: number;
  readonly failed: number;
  /** Tasks done on the main thread, because they are small or there are no threads. */
  readonly inline: number;
  /** Tasks that wait for a thread, and those refused because too many did. */
  readonly queued: number;
  readonly refused: number;
  /** How long tasks waited for a thread, and how long they ran in it. */
  readonly queueMs: SpreadMs;
  readonly runMs: SpreadMs;
}

/** One connection of a node. */
export interface ConnectionFacts {
  readonly id: number;
  /** Address of the other side. */
  readonly from: string;
  readonly name: string;
  /** A `stranger` has not logged in yet. */
  readonly role: 'client' | 'node' | 'stranger';
  readonly ageMs: number;
  readonly framesIn: number;
  readonly bytesIn: number;
  /** Replies not yet taken by the other side. */
  readonly unsentBytes: number;
  /** Memory held for it: buffers, frames not yet whole, replies, values in pieces. */
  readonly memoryBytes: number;
  /** It is not read at present: replies pile up, or it waits for its turn. */
  readonly paused: boolean;
}
