/**
 * What the commander, the leader of Raft, wants changed: who is down and up again, whose partitions cannot go on, what
 * begins anew, which primaries should move back. Policy only: the reducer refuses whatever would be unsafe, so a wrong
 * decision here costs time, not data. The driver asks at every tick while it may act, and proposes what it is told.
 */
import { type Book, type BookMember, NO_MEMBER } from './book.ts';
import type { Command } from './commands.ts';
import { type CutOffReport, CutOffs } from './cut-offs.ts';
import { type HandOverWish, HandOverWishes } from './hand-over-wishes.ts';
import { Revivals } from './revivals.ts';
import { type Observation, Silence } from './silence.ts';

export type { CutOffReport } from './cut-offs.ts';
export type { HandOverWish } from './hand-over-wishes.ts';
export type { HeardMember, Observation } from './silence.ts';

export interface Decision {
  /** To be proposed. */
  readonly commands: readonly Command[];
  /** To be told to the primaries of these partitions, once each. */
  readonly wishes: readonly HandOverWish[];
}

/** A proposal may be lost on its way: it is made again after this time, or when the book has changed. */
const AGAIN_MS = 1_000;

interface Proposed {
  readonly version: number;
  readonly atMs: number;
}

/** One for each time that a node is leader: what it saw before that counts no more. */
export class Commander {
  readonly #silence = new Silence();
  readonly #cutOffs = new CutOffs();
  readonly #revivals = new Revivals();
  readonly #wishes = new HandOverWishes();
  readonly #proposed = new Map<string, Proposed>();

  /** A primary cannot reach so many that it would fall below `min`; it says so again while that lasts. */
  report(report: CutOffReport, nowMs: number): void {
    this.#cutOffs.report(report, nowMs);
  }

  decide(book: Book, observation: Observation): Decision {
    const { nowMs, unixMs } = observation;
    this.#silence.observe(book, observation);
    for (const [key, { atMs }] of [...this.#proposed]) if (nowMs - atMs >= AGAIN_MS) this.#proposed.delete(key);
    const wanted: Command[] = [
      ...this.#healthCommands(book, observation),
      ...this.#cutOffs.commands(book, observation, this.#silence),
      ...this.#revivals.commands(book, nowMs, unixMs, observation.onLoss ?? book.settings.onLoss),
    ];
    return {
      commands: wanted.filter((command) => this.#isDue(command, book, nowMs)),
      wishes: this.#wishes.next(book, nowMs, unixMs),
    };
  }

  #healthCommands(book: Book, observation: Observation): Command[] {
    return book.members.flatMap((member) => {
      const kind = member === null ? null : this.#healthChange(member, observation.self);
      if (member === null || kind === null) return [];
      return [{ kind, slot: member.slot, incarnation: member.incarnation, nowMs: observation.unixMs }];
    });
  }

  #healthChange(member: BookMember, self: number): 'down' | 'up' | null {
    if (member.health === 'down') {
      const isBack = member.slot === self || (this.#silence.wasHeard(member) && !this.#silence.isTooLong(member));
      return isBack ? 'up' : null;
    }
    return member.slot !== self && this.#silence.isTooLong(member) ? 'down' : null;
  }

  #isDue(command: Command, book: Book, nowMs: number): boolean {
    const key = keyOf(command);
    if (this.#proposed.get(key)?.version === book.version) return false;
    this.#proposed.set(key, { version: book.version, atMs: nowMs });
    return true;
  }
}

/** What two proposals of the same change have in common, though they were made at different times. */
function keyOf(command: Command): string {
  if ('partition' in command) return `${command.kind} ${command.partition} ${command.version}`;
  const slot = 'slot' in command ? command.slot : NO_MEMBER;
  return `${command.kind} ${slot} ${command.incarnation}`;
}
