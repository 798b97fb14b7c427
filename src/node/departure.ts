/**
 * Leaving in order (R17): the node says that it goes, hands its partitions to members in sync, the lead of Raft to another
 * voter, and is taken out of the in-sync sets where enough remain. Clients see redirects. What cannot be handed over
 * stays: the others notice that it is gone.
 */
import { type Book, type BookPartition, NO_MEMBER } from '../cluster/book.ts';
import type { Command } from '../cluster/commands.ts';
import { isUpKeeper, minOf } from '../cluster/electorate.ts';
import type { ControlPlane } from './control/control-plane.ts';
import type { HandOvers } from './hand-overs.ts';
import type { NodePorts } from './ports.ts';
import type { Roster } from './roster.ts';

/** So often it is looked at how far it has come. */
const STEP_MS = 20;
/** A proposal without effect is made again. */
const AGAIN_MS = 500;
/** Hand-overs under way at a time. */
const AT_ONCE = 64;

export interface DepartureHost {
  readonly ports: NodePorts;
  readonly book: Book | null;
  readonly roster: Roster;
  readonly handOvers: HandOvers;
  propose(command: Command): void;
  pause(ms: number): Promise<void>;
}

export class Departure {
  readonly #host: DepartureHost;
  readonly #control: ControlPlane;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(host: DepartureHost, control: ControlPlane) {
    this.#host = host;
    this.#control = control;
  }

  /** Resolves when nothing is left to hand over, or at `deadlineMs` (monotonic). */
  async leave(deadlineMs: number): Promise<void> {
    const { ports } = this.#host;
    while (ports.clock.monotonicMs() < deadlineMs && this.#step(ports.clock.monotonicMs())) {
      await this.#host.pause(STEP_MS);
    }
  }

  /** True while something is left to do that others could take. */
  #step(nowMs: number): boolean {
    const { book, roster } = this.#host;
    if (book === null || roster.self === NO_MEMBER || !this.#hasOthers(book)) return false;
    const { self } = roster;
    const own = book.partitions.flatMap((entry, partition) => (entry.primary === self ? [{ entry, partition }] : []));
    const given = own.filter(({ entry }) => heirOf(book, entry, self) !== NO_MEMBER);
    for (const { entry, partition } of given) {
      if (this.#host.handOvers.size >= AT_ONCE) break;
      this.#host.handOvers.begin(partition, heirOf(book, entry, self));
    }
    if (nowMs - this.#askedMs > AGAIN_MS) this.#sayGoodbye(book, self, nowMs);
    const leads = this.#control.isCommander && this.#control.status.voters.length > 1;
    if (given.length === 0 && leads) this.#control.transferLeadership();
    return given.length > 0 || leads || this.#isNeeded(book, self);
  }

  /** Somebody is there to hand over to: the book may not have noticed yet that all others have gone, too. */
  #hasOthers(book: Book): boolean {
    const { roster } = this.#host;
    return book.members.some(
      (member) => member?.health === 'up' && (roster.peerOf(member.slot)?.control ?? null) !== null,
    );
  }

  #sayGoodbye(book: Book, slot: number, nowMs: number): void {
    const incarnation = book.members[slot]?.incarnation;
    if (incarnation === undefined) return;
    this.#askedMs = nowMs;
    const unixMs = Math.floor(this.#host.ports.clock.unixMs());
    this.#host.propose({ kind: 'leaving', slot, incarnation, nowMs: unixMs });
  }

  /** It is still in an in-sync set that could do without it. */
  #isNeeded(book: Book, self: number): boolean {
    const min = minOf(book);
    return book.partitions.some(({ isr }) => isr.includes(self) && isr.length > min);
  }
}

/** Who takes the partition over: the first in sync that stays, placement's choice before others. */
function heirOf(book: Book, { isr, target }: BookPartition, self: number): number {
  const heirs = [...target.filter((slot) => isr.includes(slot)), ...isr].filter((slot) => slot !== self);
  return heirs.find((slot) => isUpKeeper(book, slot)) ?? NO_MEMBER;
}
