/**
 * Finds deadlocks in what primaries report (L10). Vertices are waits, not their owners: a flow does one thing after another,
 * so a circle of waits, each of which lets the one before it go no further, is a deadlock.
 *
 *     wait ─► owners of the grants that its mode does not go with (a conversion: of all but its own)
 *          ─► the wait ahead of it that is a vertex: conversions come first, in their order, then the line
 *          ─► what stands in the way of those ahead of it, up to that wait, that are no vertices
 *     owner ─► all its waits
 *
 * Nobody sees all partitions at one moment. What two rounds report alike, the second begun after the first had ended, was
 * true all the time in between: a wait is never begun again under its name, of two that wait the same one stays ahead, and a
 * grant under the same token has at most become weaker. So a circle in what is `agreed` did exist, all at once.
 *
 * Strongly connected components: R. Tarjan, Depth-First Search and Linear Graph Algorithms, SIAM J. Comput. 1 (1972), with a
 * stack of its own.
 */
import { isCompatible, LOCK_MODES } from '../base/lock-mode.ts';
import type { ReportedGrant, ReportedLock, ReportedWait } from './messages.ts';

/** One wait of a circle; it waits for the owner of the next one, the last for that of the first. */
export interface DeadlockedWait {
  readonly lock: ReportedLock;
  readonly wait: ReportedWait;
  /** The next one does not stand in the way by what it holds, but comes before in line, or holds up somebody who does. */
  readonly isBehind: boolean;
}

/** A circle; the wait that has lasted least comes first, and is to be ended. */
export type Deadlock = readonly DeadlockedWait[];

/** After so many times of ending one wait in each knot, what is left is left for the next time. */
const PASSES_MAX = 64;
const OWNER_DIGITS = 16;

/** All waits that must end, each with its circle, so that no deadlock of waits longer than `afterMs` is left. */
export function deadlocksIn(locks: readonly ReportedLock[], afterMs: number): Deadlock[] {
  const found: Deadlock[] = [];
  const ended: Set<ReportedWait> = new Set();
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const graph = new WaitGraph(locks, ended, afterMs);
    const knots = graph.knots();
    if (knots.length === 0) break;
    for (const knot of knots) {
      const deadlock = graph.circleIn(knot);
      ended.add((deadlock[0] as DeadlockedWait).wait);
      found.push(deadlock);
    }
  }
  return found;
}

/** What both rounds report. */
export function agreed(first: readonly ReportedLock[], second: readonly ReportedLock[]): ReportedLock[] {
  const before: Map<string, ReportedLock> = new Map();
  for (const lock of first) for (const wait of lock.waits) before.set(nameOf(lock, wait), lock);
  return second.flatMap((lock) => {
    const waits = lock.waits.filter((wait) => before.has(nameOf(lock, wait)));
    const [one] = waits;
    if (one === undefined) return [];
    const known = new Set((before.get(nameOf(lock, one)) as ReportedLock).grants.map(grantName));
    return [{ ...lock, waits, grants: lock.grants.filter((grant) => known.has(grantName(grant))) }];
  });
}

function nameOf({ partition }: ReportedLock, { epoch, operation, sequence }: ReportedWait): string {
  return `${partition} ${epoch} ${operation} ${sequence}`;
}

/** The token alone does not do: several who were granted together have the same. */
function grantName({ epoch, operation, session, flow }: ReportedGrant): string {
  return `${epoch} ${operation} ${ownerName(session, flow)}`;
}

/** Sessions whose ids begin alike are those of one client. */
function ownerName(session: string, flow: number): string {
  return `${session.slice(0, OWNER_DIGITS)} ${flow}`;
}

function isHeldUpBy({ grants }: ReportedLock, { mode }: ReportedWait, by: ReportedWait): boolean {
  const owner = ownerName(by.session, by.flow);
  return grants.some((grant) => ownerName(grant.session, grant.flow) === owner && !isCompatible(mode, grant.mode));
}

/** A wait, or (`wait` null) what stands in the way of a mode at a lock, which many waits share. */
interface Vertex {
  readonly lock: ReportedLock;
  readonly wait: ReportedWait | null;
  readonly to: number[];
  order: number;
  low: number;
  isOnStack: boolean;
}

class WaitGraph {
  readonly #vertices: Vertex[] = [];
  /** By owner: its waits. */
  readonly #owners: Map<string, number[]> = new Map();
  readonly #ended: ReadonlySet<ReportedWait>;
  readonly #afterMs: number;

  constructor(locks: readonly ReportedLock[], ended: ReadonlySet<ReportedWait>, afterMs: number) {
    this.#ended = ended;
    this.#afterMs = afterMs;
    const byWait: Map<ReportedWait, number> = new Map();
    for (const lock of locks) {
      for (const wait of lock.waits) {
        if (!this.#counts(wait)) continue;
        const vertex = this.#add(lock, wait);
        byWait.set(wait, vertex);
        const owner = ownerName(wait.session, wait.flow);
        const waits = this.#owners.get(owner);
        if (waits === undefined) this.#owners.set(owner, [vertex]);
        else waits.push(vertex);
      }
    }
    for (const lock of locks) this.#connect(lock, byWait);
  }

  #counts(wait: ReportedWait): boolean {
    return wait.flow > 0 && wait.waitsMs >= this.#afterMs && !this.#ended.has(wait);
  }

  #add(lock: ReportedLock, wait: ReportedWait | null): number {
    this.#vertices.push({ lock, wait, to: [], order: 0, low: 0, isOnStack: false });
    return this.#vertices.length - 1;
  }

  #at(vertex: number): Vertex {
    return this.#vertices[vertex] as Vertex;
  }

  #connect(lock: ReportedLock, byWait: ReadonlyMap<ReportedWait, number>): void {
    const holders: (number | null)[] = new Array(LOCK_MODES).fill(null);
    /** The vertex that the next one waits for, and what it waits for because of those in between that are none. */
    let ahead: number | null = null;
    const others: Set<number> = new Set();
    for (const wait of lock.waits) {
      if (this.#ended.has(wait)) continue;
      for (const one of this.#inTheWayOf(lock, wait, holders)) others.add(one);
      const vertex = byWait.get(wait);
      if (vertex === undefined) continue;
      this.#at(vertex).to.push(...others);
      if (ahead !== null) this.#at(vertex).to.push(ahead);
      ahead = vertex;
      others.clear();
    }
  }

  #inTheWayOf(lock: ReportedLock, wait: ReportedWait, holders: (number | null)[]): Iterable<number> {
    return wait.converts === null ? [this.#holdersFor(lock, wait.mode, holders)] : this.#ownersOf(lock, wait);
  }

  /** The vertex that stands for everybody who holds the lock in a mode that `mode` does not go with. */
  #holdersFor(lock: ReportedLock, mode: number, holders: (number | null)[]): number {
    const known = holders[mode] ?? null;
    if (known !== null) return known;
    const vertex = this.#add(lock, null);
    holders[mode] = vertex;
    this.#at(vertex).to.push(...this.#ownersOf(lock, { mode, converts: null }));
    return vertex;
  }

  /** Waits of those who hold the lock and stand in the way. */
  #ownersOf(lock: ReportedLock, wait: Pick<ReportedWait, 'mode' | 'converts'> & Partial<ReportedWait>): Set<number> {
    const { mode, converts, session, flow } = wait;
    const waits: Set<number> = new Set();
    for (const grant of lock.grants) {
      if (isCompatible(mode, grant.mode)) continue;
      const isToken = converts?.epoch === grant.epoch && converts.operation === grant.operation;
      if (isToken && session === grant.session && flow === grant.flow) continue;
      for (const one of this.#owners.get(ownerName(grant.session, grant.flow)) ?? []) waits.add(one);
    }
    return waits;
  }

  // ---- knots: where everybody leads to everybody else

  knots(): number[][] {
    const knots: number[][] = [];
    let count = 0;
    const stack: number[] = [];
    const enter = (vertex: number): void => {
      count += 1;
      const one = this.#at(vertex);
      one.order = count;
      one.low = count;
      one.isOnStack = true;
      stack.push(vertex);
    };
    for (let root = 0; root < this.#vertices.length; root += 1) {
      if (this.#at(root).order !== 0) continue;
      const path: { readonly vertex: number; next: number }[] = [{ vertex: root, next: 0 }];
      enter(root);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const one = this.#at(top.vertex);
        const next = one.to[top.next];
        top.next += 1;
        if (next !== undefined) {
          const other = this.#at(next);
          if (other.order === 0) {
            enter(next);
            path.push({ vertex: next, next: 0 });
          } else if (other.isOnStack) one.low = Math.min(one.low, other.order);
          continue;
        }
        path.pop();
        const above = path.at(-1);
        if (above !== undefined) this.#at(above.vertex).low = Math.min(this.#at(above.vertex).low, one.low);
        if (one.low === one.order) this.#takeKnot(top.vertex, stack, knots);
      }
    }
    return knots;
  }

  #takeKnot(root: number, stack: number[], knots: number[][]): void {
    const members = stack.splice(stack.lastIndexOf(root));
    for (const member of members) this.#at(member).isOnStack = false;
    if (members.length > 1 || this.#at(root).to.includes(root)) knots.push(members);
  }

  /** The shortest circle through the wait of `knot` that has lasted least. */
  circleIn(knot: readonly number[]): DeadlockedWait[] {
    const inside = new Set(knot);
    const waits = knot.filter((vertex) => this.#at(vertex).wait !== null);
    const victim = waits.reduce((one, other) => (this.#isYounger(other, one) ? other : one));
    const from: Map<number, number> = new Map();
    const reached = [victim];
    for (let index = 0; !from.has(victim); index += 1) {
      const vertex = reached[index] as number;
      for (const next of this.#at(vertex).to) {
        if (!inside.has(next) || from.has(next)) continue;
        from.set(next, vertex);
        reached.push(next);
      }
    }
    const circle: DeadlockedWait[] = [];
    let after = this.#at(victim).wait as ReportedWait;
    for (let vertex = from.get(victim) as number; ; vertex = from.get(vertex) as number) {
      const { lock, wait } = this.#at(vertex);
      if (wait === null) continue;
      circle.unshift({ lock, wait, isBehind: !isHeldUpBy(lock, wait, after) });
      if (vertex === victim) return circle;
      after = wait;
    }
  }

  #isYounger(one: number, other: number): boolean {
    const a = this.#at(one);
    const b = this.#at(other);
    const [left, right] = [a.wait as ReportedWait, b.wait as ReportedWait];
    if (left.waitsMs !== right.waitsMs) return left.waitsMs < right.waitsMs;
    return nameOf(a.lock, left) > nameOf(b.lock, right);
  }
}
