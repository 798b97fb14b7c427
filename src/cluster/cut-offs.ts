/**
 * R18: a primary that cannot reach so many members that it would fall below `min` reports it, and the commander passes
 * the partition to a member of the electorate that reaches enough others, as far as anybody has told. If there is none,
 * nothing changes until somebody is down.
 */
import { type Book, type BookPartition, NO_MEMBER } from './book.ts';
import type { HandOverCommand } from './commands.ts';
import { electorateOf, isFlapping, isUpKeeper, memberIn, minOf } from './electorate.ts';
import type { Observation, Silence } from './silence.ts';

/** What a primary tells of a partition that it cannot go on with. */
export interface CutOffReport {
  readonly partition: number;
  readonly epoch: number;
  /** The primary that reports. */
  readonly by: number;
  /** Slots of all it cannot reach, learners too. */
  readonly unreachable: readonly number[];
}

/** A report counts as long as this; it is made again while it lasts. */
const REPORT_MS = 2_000;
/** Who could not reach whom is remembered longer, so that a partition is not passed to and fro. */
const BROKEN_MS = 10_000;
/** So long a primary that reaches enough others is left to let them in. */
const HELP_ITSELF_MS = 2_000;
/** A member not heard for longer, or not yet by this commander, may be dead: nothing is passed to it. */
const HEARD_LATELY_MS = 300;

interface Reported extends CutOffReport {
  readonly firstMs: number;
  readonly lastMs: number;
}

export class CutOffs {
  /** By partition. */
  readonly #reports = new Map<number, Reported>();
  /** When it was told last that two members do not reach each other. */
  readonly #broken = new Map<string, number>();

  report(report: CutOffReport, nowMs: number): void {
    const before = this.#reports.get(report.partition);
    const isSame = before !== undefined && before.epoch === report.epoch && before.by === report.by;
    this.#reports.set(report.partition, { ...report, firstMs: isSame ? before.firstMs : nowMs, lastMs: nowMs });
    for (const slot of report.unreachable) this.#broken.set(pairOf(report.by, slot), nowMs);
  }

  commands(book: Book, observation: Observation, silence: Silence): HandOverCommand[] {
    this.#forget(book, observation.nowMs);
    return [...this.#reports.values()].flatMap((report) => {
      const { partition, epoch, firstMs } = report;
      const entry = book.partitions[partition] as BookPartition;
      const mayHelpItself = observation.nowMs - firstMs < HELP_ITSELF_MS;
      const to = this.#choose(book, entry, mayHelpItself, observation.unixMs, silence);
      if (to === NO_MEMBER) return [];
      return [{ kind: 'hand-over', partition, version: entry.version, epoch, by: NO_MEMBER, to } as const];
    });
  }

  #choose(book: Book, entry: BookPartition, mayHelpItself: boolean, unixMs: number, silence: Silence): number {
    const needed = minOf(book) - 1;
    const isThere = (slot: number): boolean => {
      const member = memberIn(book, slot);
      return member !== null && isUpKeeper(book, slot) && silence.isHeardWithin(HEARD_LATELY_MS, member);
    };
    const electorate = electorateOf(entry);
    const keepers = [...new Set([...electorate, ...entry.target])].filter(isThere);
    const reach = (from: number): number =>
      keepers.filter((slot) => slot !== from && !this.#broken.has(pairOf(from, slot))).length;
    if (mayHelpItself && reach(entry.primary) >= needed) return NO_MEMBER;

    const able = electorate.filter((slot) => slot !== entry.primary && isThere(slot) && reach(slot) >= needed);
    const isSteady = (slot: number): boolean => {
      const member = memberIn(book, slot);
      return member !== null && !isFlapping(member, unixMs);
    };
    return able.find(isSteady) ?? able[0] ?? NO_MEMBER;
  }

  #forget(book: Book, nowMs: number): void {
    for (const [partition, report] of [...this.#reports]) {
      const entry = book.partitions[partition];
      const isPresent = entry !== undefined && entry.primary === report.by && entry.epoch === report.epoch;
      if (!isPresent || nowMs - report.lastMs >= REPORT_MS) this.#reports.delete(partition);
    }
    for (const [pair, atMs] of [...this.#broken]) if (nowMs - atMs >= BROKEN_MS) this.#broken.delete(pair);
  }
}

function pairOf(one: number, other: number): string {
  return one < other ? `${one}-${other}` : `${other}-${one}`;
}
