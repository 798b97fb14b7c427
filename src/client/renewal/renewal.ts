/**
 * The main thread's side of renewal by a thread, for one client (L4): begun with its first lock; it ticks for the thread to
 * see that it runs, and tells whether it has stood still for longer than the budget.
 */
import type { TimerHandle } from '../../base/ports.ts';
import type { KeyvalError } from '../../errors.ts';
import type { Dispatcher } from '../dispatcher.ts';
import type { LinkOptions } from '../node-link.ts';
import { LeaseBoard } from './lease-board.ts';
import { Pulse } from './pulse.ts';
import type { RenewalEnd, RenewalHost } from './work.ts';

const TICKS_PER_BUDGET = 10;
const TICK_MS_MIN = 20;
const TICK_MS_MAX = 500;

export interface RenewalParts {
  readonly host: RenewalHost;
  readonly dispatcher: Dispatcher;
  readonly login: LinkOptions;
  readonly endpoints: readonly string[];
  readonly hangBudgetMs: number;
  /** The main thread has come round, after longer than the budget. */
  readonly onHang: () => void;
  /** The thread renews nothing any more. */
  readonly onFailure: (error: KeyvalError) => void;
  /** Locks may have been taken away. */
  readonly onDoubt: () => void;
}

export class Renewal {
  readonly #parts: RenewalParts;
  readonly #pulse: Pulse = new Pulse();
  #timer: TimerHandle | null = null;
  #end: RenewalEnd | null = null;
  #isOver = false;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  get hangBudgetMs(): number {
    return this.#parts.hangBudgetMs;
  }

  /** For how long the main thread stood still, if that is longer than the budget; 0: it is not. */
  get hungMs(): number {
    const { stalledMs } = this.#pulse;
    return stalledMs > this.#parts.hangBudgetMs ? stalledMs : 0;
  }

  /** A lock is granted: its lease is to be renewed, and the main thread runs. */
  hold(): void {
    this.#pulse.tick();
    if (this.#end === null && !this.#isOver) this.#begin();
  }

  #begin(): void {
    const { host, dispatcher, login, endpoints, hangBudgetMs, onFailure, onDoubt } = this.#parts;
    const { router, session } = dispatcher;
    const board = LeaseBoard.of(router.partitions, host.originMs);
    session.share(board);
    const { cluster, name, secret, connectTimeoutMs, owner } = login;
    const members = router.links.map((link) => link.endpoint);
    const work = {
      endpoints: [...new Set([...members, ...endpoints])],
      // Of a view the whole memory behind it would be copied, whatever else is in it.
      login: {
        cluster,
        name,
        connectTimeoutMs,
        secret: secret === null ? null : Uint8Array.from(secret),
        owner: Uint8Array.from(owner),
      },
      session: Uint8Array.from(session.id),
      leaseMs: session.leaseMs,
      hangBudgetMs,
      leases: board.cells,
      pulse: this.#pulse.cells,
    };
    const failed = (error: KeyvalError): void => {
      this.#stop();
      onFailure(error);
    };
    this.#end = host.begin(work, failed, onDoubt);
    this.#tickLater();
  }

  #tickLater(): void {
    if (this.#isOver) return;
    const { dispatcher, hangBudgetMs, onHang } = this.#parts;
    const everyMs = Math.min(TICK_MS_MAX, Math.max(TICK_MS_MIN, hangBudgetMs / TICKS_PER_BUDGET));
    this.#timer = dispatcher.ports.timers.after(everyMs, () => {
      this.#tickLater();
      if (this.hungMs > 0) onHang();
      this.#pulse.tick();
    });
  }

  #stop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#end?.();
  }
}
