/** What the main thread and the renewal thread say to each other. */
import type { KeyvalError } from '../../errors.ts';
import type { LinkOptions } from '../node-link.ts';
import type { LeaseCells } from './lease-board.ts';
import type { PulseCells } from './pulse.ts';

/** One client whose leases are to be renewed. */
export interface RenewalWork {
  readonly endpoints: readonly string[];
  readonly login: LinkOptions;
  readonly session: Uint8Array;
  readonly leaseMs: number;
  readonly hangBudgetMs: number;
  readonly leases: LeaseCells;
  readonly pulse: PulseCells;
}

/** To the thread: without work the client named so is at its end. */
export interface RenewalOrder {
  readonly client: number;
  readonly work: RenewalWork | null;
}

/** From the thread: a node has told this client that locks of it were taken away. */
export interface RenewalNews {
  readonly client: number;
}

/** Renews leases while the main thread is busy. */
export interface RenewalHost {
  /** Of this thread's monotonic clock. */
  readonly originMs: number;
  /** `failed`: it renews nothing from now on. Called once at most. `told`: locks may have been taken away. */
  begin(work: RenewalWork, failed: (error: KeyvalError) => void, told: () => void): RenewalEnd;
}

/** Nothing is renewed any more. */
export type RenewalEnd = () => Promise<void>;
