/** What the history of all programs comes to in figures. */
import type { Operation } from '../../../src/testing/checkers/index.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { LOST, WOKEN } from './claim.ts';
import { type Grants, type LockGrant, lifeOf, loopOf } from './grants.ts';
import type { Harmed } from './harms.ts';

const NS_PER_MS = 1e6;

/** Writes of holders that had been stopped, by what became of them. */
export interface LateWrites {
  readonly refused: number;
  /** The lock was theirs still. */
  readonly accepted: number;
  readonly unanswered: number;
}

export interface LockFigures {
  readonly grants: number;
  /** Of these: somebody else held the lock when it was asked for. */
  readonly afterWait: number;
  /** Of the waits of programs to which nothing was done meanwhile; two locks at once: until both were granted. */
  readonly waitsMs: Spread;
  /** Of these: nobody had let go of it before, its lease was over or believed to be. */
  readonly afterExpiry: number;
  /** Pauses of programs that held a lock. */
  readonly holdersPaused: number;
  readonly longestPauseLeases: number;
  readonly late: LateWrites;
  /** From the kill of a holder to the grant to who was waiting already. */
  readonly afterKillMs: Spread;
  /** The same in leases of the one killed. */
  readonly afterKillLeases: Spread;
  readonly perLoop: { readonly loops: number; readonly min: number; readonly max: number };
}

export interface FiguresInput {
  readonly operations: readonly Operation[];
  readonly grants: Grants;
  readonly harmed: readonly Harmed[];
  /** Of all programs together: one that was granted nothing counts, too. */
  readonly loops: number;
}

export function lockFigures({ operations, grants, harmed, loops }: FiguresInput): LockFigures {
  const waits: Operation[] = [];
  let afterExpiry = 0;
  for (const [before, { acquire }] of successions(grants)) {
    if (holdsAt(before, acquire.call)) waits.push(acquire);
    if (holdsAt(before, acquire.ret) || before.end?.client.endsWith(LOST) === true) afterExpiry += 1;
  }
  const pauses = holdersAmong(harmed, 'pause', grants);
  const handOvers = afterKills(grants, harmed);
  return {
    grants: [...grants.values()].reduce((sum, { length }) => sum + length, 0),
    afterWait: waits.length,
    afterExpiry,
    waitsMs: spreadOf(undisturbed(waits, harmed).map(({ call, ret }) => (ret - call) / NS_PER_MS)),
    holdersPaused: pauses.length,
    longestPauseLeases: Math.max(0, ...pauses.map((pause) => lengthMs(pause) / pause.leaseMs)),
    late: lateWrites(operations, harmed),
    afterKillMs: spreadOf(handOvers.map(({ ms }) => ms)),
    afterKillLeases: spreadOf(handOvers.map(({ ms, leaseMs }) => ms / leaseMs)),
    perLoop: perLoop(grants, loops),
  };
}

/** Each grant with the one before it. */
function* successions(grants: Grants): Generator<[before: LockGrant, next: LockGrant]> {
  for (const list of grants.values()) {
    for (const [index, next] of list.entries()) if (index > 0) yield [list[index - 1] as LockGrant, next];
  }
}

/** By what the holder said. */
function holdsAt({ end }: LockGrant, moment: number): boolean {
  return end === null || end.call > moment;
}

function lengthMs({ fromNs, untilNs }: Harmed): number {
  return (untilNs - fromNs) / NS_PER_MS;
}

/** Harms to programs that held a lock then. */
function holdersAmong(harmed: readonly Harmed[], kind: Harmed['kind'], grants: Grants): Harmed[] {
  const all = [...grants.values()].flat();
  return harmed.filter(
    (harm) =>
      harm.kind === kind && all.some((grant) => lifeOf(grant.owner) === harm.name && heldFrom(grant, harm.fromNs)),
  );
}

function heldFrom(grant: LockGrant, moment: number): boolean {
  return grant.acquire.ret <= moment && holdsAt(grant, moment);
}

function undisturbed(waits: readonly Operation[], harmed: readonly Harmed[]): Operation[] {
  const harms = Map.groupBy(harmed, ({ name }) => name);
  return waits.filter(({ client, call, ret }) => {
    const own = harms.get(lifeOf(client)) ?? [];
    return !own.some(({ fromNs, untilNs }) => fromNs < ret && untilNs > call);
  });
}

function lateWrites(operations: readonly Operation[], harmed: readonly Harmed[]): LateWrites {
  const stopped = new Set(harmed.filter(({ kind }) => kind === 'pause').map(({ name }) => name));
  const late = operations.filter(
    ({ kind, client }) => kind === 'fwrite' && client.endsWith(WOKEN) && stopped.has(lifeOf(client)),
  );
  const count = (accepted: boolean | undefined): number => late.filter((write) => write.accepted === accepted).length;
  return { refused: count(false), accepted: count(true), unanswered: count(undefined) };
}

/** Whoever stood in line behind a holder that was killed. */
function afterKills(grants: Grants, harmed: readonly Harmed[]): { readonly ms: number; readonly leaseMs: number }[] {
  const kills = new Map(harmed.filter(({ kind }) => kind === 'kill').map((harm) => [harm.name, harm]));
  return [...successions(grants)].flatMap(([before, { acquire }]) => {
    const kill = kills.get(lifeOf(before.owner));
    if (kill === undefined || before.end !== null || acquire.call > kill.fromNs) return [];
    return { ms: (acquire.ret - kill.fromNs) / NS_PER_MS, leaseMs: kill.leaseMs };
  });
}

function perLoop(grants: Grants, loops: number): LockFigures['perLoop'] {
  const counts = new Map<string, number>();
  for (const { owner } of [...grants.values()].flat()) counts.set(loopOf(owner), (counts.get(loopOf(owner)) ?? 0) + 1);
  const min = counts.size < loops ? 0 : Math.min(...counts.values());
  return { loops, min, max: Math.max(0, ...counts.values()) };
}
