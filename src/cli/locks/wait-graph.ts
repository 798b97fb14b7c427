/**
 * The wait-for graph: an edge leads from who waits to who stands in its way. Owners are sessions with their flows; what a
 * session does without a flow counts as one, so that a circle through it is one perhaps (L10).
 */
import { isCompatible } from '../../base/lock-mode.ts';
import type { LockHolder, LockInfo, LockWaiter } from '../../client/lock-admin.ts';
import { type FullLockModeName, modeOf } from '../../client/lock-options.ts';
import { keyText } from './text.ts';

export interface Owner {
  readonly id: string;
  /** Of its session. Empty: nobody's; a lock-delay is in the way. */
  readonly name: string;
  readonly flow: number;
}

export interface Wait {
  readonly from: Owner;
  readonly to: Owner;
  /** Of the lock, on one line. */
  readonly key: string;
  readonly wanted: FullLockModeName;
  /** How the other one has it; null: it waits, too, and stands ahead in line. */
  readonly held: FullLockModeName | null;
  readonly waitedMs: number;
}

export interface WaitGraph {
  readonly waits: readonly Wait[];
  /** The waits around each circle, one circle for each group of owners that wait for each other. */
  readonly cycles: readonly (readonly Wait[])[];
}

export function waitGraph(locks: readonly LockInfo[]): WaitGraph {
  const waits = locks.flatMap(waitsOf);
  return { waits, cycles: cyclesIn(waits) };
}

/** Whether everybody in it says what is done one after the other. */
export function isCertain(cycle: readonly Wait[]): boolean {
  return cycle.every(({ from }) => from.flow !== 0);
}

function waitsOf(lock: LockInfo): Wait[] {
  const key = keyText(lock);
  return lock.waiters.flatMap((waiter, at) => {
    const about = { from: ownerOf(waiter), key, wanted: waiter.mode, waitedMs: waiter.waitedMs };
    const blocking = lock.holders.filter((holder) => !isOwn(waiter, holder) && standsInTheWay(waiter, holder));
    const held = blocking.map((holder): Wait => ({ ...about, to: holderOf(holder, key), held: holder.mode }));
    const ahead = standsInLine(waiter, lock) ? lock.waiters[at - 1] : undefined;
    return ahead === undefined ? held : [...held, { ...about, to: ownerOf(ahead), held: null }];
  });
}

function standsInTheWay(waiter: LockWaiter, holder: LockHolder): boolean {
  return !isCompatible(modeOf(waiter.mode), modeOf(holder.mode));
}

/** A conversion goes first, unless it is one of a place in line. */
function standsInLine(waiter: LockWaiter, { holders }: LockInfo): boolean {
  const own = holders.find((holder) => isOwn(waiter, holder));
  return own === undefined ? waiter.holds === null : own.mode === 'null';
}

/** The grant that it wants to convert. */
function isOwn(waiter: LockWaiter, holder: LockHolder): boolean {
  return waiter.holds === holder.token && waiter.session === holder.session && waiter.flow === holder.flow;
}

function ownerOf({ session, name, flow }: LockWaiter | LockHolder): Owner {
  return { id: `${session} ${flow}`, name, flow };
}

function holderOf(holder: LockHolder, key: string): Owner {
  return holder.abandonedForMs === null ? ownerOf(holder) : { id: `delay of ${key}`, name: '', flow: 0 };
}

type Edges = ReadonlyMap<string, readonly Wait[]>;

function cyclesIn(waits: readonly Wait[]): Wait[][] {
  const relevant = trimmed(waits.filter(({ from, to }) => from.id !== to.id || from.flow !== 0));
  const edges: Edges = Map.groupBy(relevant, ({ from }) => from.id);
  const cycles: Wait[][] = [];
  const done = new Set<string>();
  for (const start of edges.keys()) {
    if (done.has(start)) continue;
    const cycle = shortestCycle(edges, start);
    if (cycle === null) continue;
    cycles.push(cycle);
    for (const id of groupOf(edges, cycle)) done.add(id);
  }
  return cycles;
}

/** Without those who are in nobody's way, or in whose way nobody stands, until all that are left are around circles. */
function trimmed(waits: readonly Wait[]): Wait[] {
  const left = new Set(waits);
  const outgoing = counts(waits.map(({ from }) => from.id));
  const incoming = counts(waits.map(({ to }) => to.id));
  const bySource = Map.groupBy(waits, ({ from }) => from.id);
  const byTarget = Map.groupBy(waits, ({ to }) => to.id);
  const idle = [...new Set([...bySource.keys(), ...byTarget.keys()])].filter(
    (id) => !outgoing.get(id) || !incoming.get(id),
  );
  const take = (wait: Wait): void => {
    if (!left.delete(wait)) return;
    if (lower(outgoing, wait.from.id) === 0) idle.push(wait.from.id);
    if (lower(incoming, wait.to.id) === 0) idle.push(wait.to.id);
  };
  for (const id of idle) for (const wait of [...(bySource.get(id) ?? []), ...(byTarget.get(id) ?? [])]) take(wait);
  return [...left];
}

function counts(ids: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const id of ids) found.set(id, (found.get(id) ?? 0) + 1);
  return found;
}

function lower(count: Map<string, number>, id: string): number {
  const now = (count.get(id) ?? 0) - 1;
  count.set(id, now);
  return now;
}

/** Breadth first, from an owner back to itself; null: nobody it waits for waits for it. */
function shortestCycle(edges: Edges, start: string): Wait[] | null {
  const cameBy = new Map<string, Wait>();
  const queue = [start];
  for (const id of queue) {
    for (const wait of edges.get(id) ?? []) {
      if (wait.to.id === start) return [...pathTo(cameBy, id, start), wait];
      if (cameBy.has(wait.to.id)) continue;
      cameBy.set(wait.to.id, wait);
      queue.push(wait.to.id);
    }
  }
  return null;
}

function pathTo(cameBy: ReadonlyMap<string, Wait>, id: string, start: string): Wait[] {
  const path: Wait[] = [];
  for (let at = id; at !== start; ) {
    const wait = cameBy.get(at) as Wait;
    path.unshift(wait);
    at = wait.from.id;
  }
  return path;
}

/** All who wait for somebody in the circle and are waited for by it: they are one knot. */
function groupOf(edges: Edges, cycle: readonly Wait[]): Set<string> {
  const start = (cycle[0] as Wait).from.id;
  const backwards = Map.groupBy([...edges.values()].flat(), ({ to }) => to.id);
  const ahead = reach(start, (id) => (edges.get(id) ?? []).map(({ to }) => to.id));
  const behind = reach(start, (id) => (backwards.get(id) ?? []).map(({ from }) => from.id));
  return new Set([...ahead].filter((id) => behind.has(id)));
}

function reach(start: string, next: (id: string) => readonly string[]): Set<string> {
  const seen = new Set([start]);
  for (const id of seen) for (const other of next(id)) seen.add(other);
  return seen;
}
