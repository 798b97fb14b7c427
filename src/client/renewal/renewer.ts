/**
 * What the renewal thread does for one client (L4): it renews what the main thread has not renewed in time, for as long as
 * that is within its budget. While the main thread runs, it keeps its connections and says nothing.
 */
import { KEEP } from '../../protocol/opcode.ts';
import type { Dispatcher } from '../dispatcher.ts';
import { ask, type Kept, LOOKS_PER_LEASE } from '../keep.ts';
import type { NodeLink } from '../node-link.ts';
import type { LeaseBoard } from './lease-board.ts';
import type { Pulse } from './pulse.ts';

/** The main thread renews when a third of the lease has passed; a twelfth later it is late. */
const LATE = 5 / 12;
const LOOKS_PER_BUDGET = 10;
const LOOK_MS_MIN = 20;
const LOOK_MS_MAX = 500;
/** Of a longer gap between two looks only so many count: the process was stopped. */
const GAP_LOOKS = 3;
/** A node that has said nothing for so long is dialled anew; for long leases it is a third of them. */
const SILENCE_MS = 2000;

interface Question {
  readonly link: NodeLink;
  readonly sentAtMs: number;
}

export interface RenewerParts {
  readonly dispatcher: Dispatcher;
  readonly board: LeaseBoard;
  readonly pulse: Pulse;
  readonly hangBudgetMs: number;
}

export class Renewer {
  readonly #parts: RenewerParts;
  readonly #lookMs: number;
  #lookedMs: number;
  /** By partition: the last question that is not answered. */
  readonly #asked: Map<number, Question> = new Map();
  #isClosed = false;

  constructor(parts: RenewerParts) {
    this.#parts = parts;
    const { dispatcher, hangBudgetMs } = parts;
    this.#lookMs = lookMsOf(dispatcher.session.leaseMs, hangBudgetMs);
    this.#lookedMs = dispatcher.ports.clock.monotonicMs();
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    this.#parts.dispatcher.ports.timers.after(this.#lookMs, () => {
      this.#lookLater();
      this.#look();
    });
  }

  #look(): void {
    const { dispatcher, board, pulse, hangBudgetMs } = this.#parts;
    const { ports, router, session } = dispatcher;
    const nowMs = ports.clock.monotonicMs();
    pulse.ran(Math.min(nowMs - this.#lookedMs, GAP_LOOKS * this.#lookMs));
    this.#lookedMs = nowMs;
    if (pulse.stalledMs > hangBudgetMs) return;
    const late = board.endingBefore(nowMs + session.leaseMs * (1 - LATE));
    if (late.length === 0) return;
    for (const link of router.links) {
      const due = router.ownedBy(link, late).filter((partition) => !this.#isAsked(partition, link, nowMs));
      if (link.up && due.length > 0) this.#renew(due, { link, sentAtMs: nowMs });
    }
  }

  /** It was asked a short while ago: of a question that has been under way for longer the answer may be lost. */
  #isAsked(partition: number, link: NodeLink, nowMs: number): boolean {
    const asked = this.#asked.get(partition);
    const { leaseMs } = this.#parts.dispatcher.session;
    return asked !== undefined && asked.link === link && nowMs - asked.sentAtMs < leaseMs / LOOKS_PER_LEASE;
  }

  #renew(partitions: readonly number[], question: Question): void {
    const { link, sentAtMs } = question;
    const { dispatcher, board } = this.#parts;
    const { leaseMs } = dispatcher.session;
    const asked = partitions.map((partition) => ({ partition, stamp: board.stamp(partition) }));
    for (const partition of partitions) this.#asked.set(partition, question);
    const timeoutMs = Math.max(leaseMs / 3, SILENCE_MS);
    ask(dispatcher, { opcode: KEEP, link, partitions, timeoutMs }, (kept) => {
      for (const { partition, stamp } of asked) {
        if (this.#asked.get(partition) === question) this.#asked.delete(partition);
        if (kept?.renewed.has(partition)) board.renew(partition, stamp, sentAtMs + leaseMs);
        else if (kept !== null && this.#isForgotten(partition, link, kept)) board.forget(partition, stamp);
      }
      if (kept === null && link.up && link.heardAtMs < sentAtMs) link.reset();
    });
  }

  /** Neither renewed nor served by another: the same node is primary still, and the session is not there. */
  #isForgotten(partition: number, link: NodeLink, { elsewhere }: Kept): boolean {
    return !elsewhere.has(partition) && this.#parts.dispatcher.router.linkOf(partition) === link;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#parts.dispatcher.close(0);
  }
}

/** How often to look: often enough for the lease, and for a budget that is not to be overrun by much. */
export function lookMsOf(leaseMs: number, hangBudgetMs: number): number {
  const wantedMs = Math.min(leaseMs / LOOKS_PER_LEASE, hangBudgetMs / LOOKS_PER_BUDGET);
  return Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, wantedMs));
}
