/** What came of the operations: times, refusals, and errors by code. Each thread counts for itself; then they are added. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { KeyvalError } from '../../src/errors.ts';
import { type Kind, kinds } from './kinds.ts';

/** Errors of one code on one kind of operation. */
export interface ErrorCount {
  readonly kind: Kind;
  readonly code: string;
  count: number;
  /** Message of the first. */
  readonly message: string;
}

/** Counts of one kind; a plain object, so that it can be sent between threads. */
export interface KindCounts {
  /** Nanoseconds of those that succeeded or were refused. */
  readonly times: RecordableHistogram;
  /** Of these: a condition did not hold, or a lock was held by somebody else. */
  refused: number;
}

export interface Counts {
  readonly kinds: Partial<Record<Kind, KindCounts>>;
  readonly errors: ErrorCount[];
}

export class Tally {
  readonly counts: Counts = { kinds: {}, errors: [] };

  /** Counts an operation that was answered. */
  answered(kind: Kind, durationNs: number, accepted: boolean): void {
    const counts = this.#of(kind);
    counts.times.record(Math.max(1, Math.round(durationNs)));
    if (!accepted) counts.refused += 1;
  }

  /** @throws `error` itself unless it is a KeyvalError: a bug is not counted but reported */
  failed(kind: Kind, error: unknown): void {
    if (!(error instanceof KeyvalError)) throw error;
    this.#failed({ kind, code: error.code, count: 1, message: error.message });
  }

  #failed(failure: ErrorCount): void {
    const { errors } = this.counts;
    const known = errors.find(({ kind, code }) => kind === failure.kind && code === failure.code);
    if (known === undefined) errors.push({ ...failure });
    else known.count += failure.count;
  }

  #of(kind: Kind): KindCounts {
    const known = this.counts.kinds[kind];
    if (known !== undefined) return known;
    const fresh: KindCounts = { times: createHistogram(), refused: 0 };
    this.counts.kinds[kind] = fresh;
    return fresh;
  }

  /** Takes in what another thread has counted. */
  add(other: Counts): void {
    for (const kind of kinds) {
      const counts = other.kinds[kind];
      if (counts === undefined) continue;
      const own = this.#of(kind);
      own.times.add(counts.times);
      own.refused += counts.refused;
    }
    for (const failure of other.errors) this.#failed(failure);
  }

  get operations(): number {
    return kinds.reduce((sum, kind) => sum + (this.counts.kinds[kind]?.times.count ?? 0), 0);
  }

  get errors(): number {
    return this.counts.errors.reduce((sum, { count }) => sum + count, 0);
  }
}
