/** What a lock table should do, in plain arrays: L1, L2, L5, L7, L9, L13. The model is told the number of each request. */
import { isCompatible, isDownward, LockMode, mayWrite } from '../../../src/base/lock-mode.ts';
import { AcquireOutcome } from '../../../src/lock/lock-table.ts';

/** What is asked for, since when. */
export interface Wanted {
  readonly mode: number;
  readonly sequence: number;
  readonly sinceMs: number;
}

export interface Grant extends Wanted {
  readonly token: number;
}

export interface ModelRequest {
  readonly number: number;
  readonly key: string;
  readonly delayMs: number;
  /** −1: nobody's; it was abandoned. */
  session: number;
  /** What it holds; null: nothing yet. */
  grant: Grant | null;
  /** What it waits for. */
  wanted: Wanted | null;
  /** What it was before its last conversion upward; since it was weakened: what it is. */
  former: Grant | null;
}

export interface ModelLock {
  granted: ModelRequest[];
  /** From other modes than null, in the order in which they are granted. */
  converting: ModelRequest[];
  /** New requests, and conversions from null. */
  queue: ModelRequest[];
}

/** What is had back when the last conversion is given up; null: that changes nothing. */
export function undone({ grant, former }: ModelRequest): Grant | null {
  return former?.sequence === grant?.sequence ? null : former;
}

export class LockModel {
  readonly locks: Map<string, ModelLock> = new Map();
  /** By session: what it holds, and what it waits for, in the order in which that began. */
  readonly held: Map<number, ModelRequest[]> = new Map();
  readonly waits: Map<number, ModelRequest[]> = new Map();
  /** The operation that is under way: token of what it grants, and its time. */
  operation = 0;
  granted: number[] = [];
  ended: number[] = [];

  next(): number {
    this.granted = [];
    this.ended = [];
    this.operation += 1;
    return this.operation;
  }

  get requests(): ModelRequest[] {
    const all = [...this.locks.values()].flatMap(({ granted, queue }) => [...granted, ...queue]);
    return [...new Set(all)];
  }

  lockOf(key: string): ModelLock {
    return this.locks.get(key) ?? { granted: [], converting: [], queue: [] };
  }

  heldBy(session: number): ModelRequest[] {
    return listOf(this.held, session);
  }

  waitsOf(session: number): ModelRequest[] {
    return listOf(this.waits, session);
  }

  /** Whether everybody else who holds the lock goes with `mode`. */
  allows(key: string, mode: number, own: ModelRequest | null): boolean {
    const others = this.lockOf(key).granted.filter((other) => other !== own);
    return others.every(({ grant }) => isCompatible(mode, (grant as Grant).mode));
  }

  /** L5: nobody who wants more than nothing comes before those who wait. */
  isFreeFor(key: string, mode: number): boolean {
    const { converting, queue } = this.lockOf(key);
    return mode === LockMode.null || (converting.length + queue.length === 0 && this.allows(key, mode, null));
  }

  acquire(request: ModelRequest, mayWait: boolean): number {
    const { key, session } = request;
    const isFree = this.isFreeFor(key, (request.wanted as Wanted).mode);
    if (!isFree && !mayWait) return AcquireOutcome.busy;
    const lock = this.lockOf(key);
    this.locks.set(key, lock);
    if (isFree) {
      this.#grant(request);
      return AcquireOutcome.granted;
    }
    lock.queue.push(request);
    this.waitsOf(session).push(request);
    return AcquireOutcome.queued;
  }

  /** It gets what it wants: L2, under a new token. */
  #grant(request: ModelRequest): void {
    const { mode, sequence } = request.wanted as Wanted;
    if (request.grant === null) {
      this.lockOf(request.key).granted.push(request);
      this.heldBy(request.session).push(request);
    }
    request.former = request.grant;
    this.#have(request, { mode, sequence, sinceMs: this.operation, token: this.operation });
    request.wanted = null;
  }

  /** Who begins or ceases to write is the last of those who do as it does. */
  #have(request: ModelRequest, grant: Grant): void {
    const { granted } = this.lockOf(request.key);
    if (request.grant !== null && mayWrite(request.grant.mode) !== mayWrite(grant.mode)) {
      drop(granted, request);
      granted.push(request);
    }
    request.grant = grant;
  }

  /** Those who hold a lock: first those who write. */
  holdersOf(key: string): ModelRequest[] {
    const { granted } = this.lockOf(key);
    const writes = ({ grant }: ModelRequest): boolean => mayWrite((grant as Grant).mode);
    return [...granted.filter(writes), ...granted.filter((one) => !writes(one))];
  }

  /** Downward or upward. */
  convert(request: ModelRequest, mode: number, sequence: number, mayWait: boolean): number {
    const { key } = request;
    const grant = request.grant as Grant;
    if (isDownward(grant.mode, mode)) {
      this.#have(request, { ...grant, mode });
      if (request.former !== null) request.former = request.grant;
      this.settle(key);
      return AcquireOutcome.granted;
    }
    const isFromNull = grant.mode === LockMode.null;
    const place = this.#placeOf(request);
    const isFree = isFromNull ? this.isFreeFor(key, mode) : place === 0 && this.allows(key, mode, request);
    if (!isFree && !mayWait) return AcquireOutcome.busy;
    if (!isFree && !isFromNull && this.#isDeadlock(request, mode)) return AcquireOutcome.deadlock;
    request.wanted = { mode, sequence, sinceMs: this.operation };
    if (isFree) {
      this.#grant(request);
      return AcquireOutcome.granted;
    }
    const { converting, queue } = this.lockOf(key);
    if (isFromNull) queue.push(request);
    else converting.splice(place, 0, request);
    this.waitsOf(request.session).push(request);
    return AcquireOutcome.queued;
  }

  /** Behind all conversions but those that wait for what it holds. */
  #placeOf({ key, grant }: ModelRequest): number {
    const { converting } = this.lockOf(key);
    const waitsForIt = (other: ModelRequest): boolean =>
      !isCompatible((other.wanted as Wanted).mode, (grant as Grant).mode);
    return converting.some(waitsForIt) ? converting.findIndex(waitsForIt) : converting.length;
  }

  /** Whoever it would wait for, by what they hold or because they stand before it, waits for it in the end. */
  #isDeadlock(request: ModelRequest, mode: number): boolean {
    const { converting, granted } = this.lockOf(request.key);
    const line = converting.toSpliced(this.#placeOf(request), 0, request);
    const modeOf = (one: ModelRequest): number => (one === request ? mode : (one.wanted as Wanted).mode);
    const waitsFor = (one: ModelRequest): ModelRequest[] => {
      const isInTheWay = (other: ModelRequest): boolean =>
        other !== one && !isCompatible(modeOf(one), (other.grant as Grant).mode);
      return line.includes(one) ? [...line.slice(0, line.indexOf(one)), ...granted.filter(isInTheWay)] : [];
    };
    const reached = new Set(waitsFor(request));
    for (const one of reached) for (const next of waitsFor(one)) reached.add(next);
    return reached.has(request);
  }

  /** Grants what can be granted: conversions first, then the queue, each in order, up to who cannot. */
  settle(key: string): void {
    const lock = this.lockOf(key);
    const canBe = (one: ModelRequest): boolean => this.allows(key, (one.wanted as Wanted).mode, one);
    for (const line of [lock.converting, lock.queue])
      while (line.some((one, index) => index === 0 && canBe(one))) {
        if (line === lock.queue && lock.converting.length > 0) break;
        this.#wake(line[0] as ModelRequest);
      }
    if (lock.granted.length === 0) this.locks.delete(key);
  }

  #wake(request: ModelRequest): void {
    this.#leaveWait(request);
    this.#grant(request);
    this.granted.push(request.number);
  }

  #leaveWait(request: ModelRequest): void {
    const lock = this.lockOf(request.key);
    drop(lock.converting, request);
    drop(lock.queue, request);
    drop(this.waitsOf(request.session), request);
  }

  endWait(request: ModelRequest): void {
    if (request.wanted === null) return;
    this.#leaveWait(request);
    request.wanted = null;
    this.ended.push(request.number);
  }

  cancel(request: ModelRequest): void {
    this.endWait(request);
    this.settle(request.key);
  }

  release(request: ModelRequest): void {
    this.endWait(request);
    drop(this.lockOf(request.key).granted, request);
    drop(this.heldBy(request.session), request);
    this.settle(request.key);
  }

  abandon(request: ModelRequest): void {
    this.endWait(request);
    drop(this.heldBy(request.session), request);
    request.session = -1;
    request.former = null;
  }

  revert(request: ModelRequest): void {
    const former = undone(request);
    if (former === null) return;
    this.#have(request, former);
    request.former = null;
    this.settle(request.key);
  }

  /** L9: whether a write under that token counts. */
  isFence(key: string, token: number): boolean {
    return this.lockOf(key).granted.some(({ session, grant, former }) => {
      if (session < 0 || !mayWrite((grant as Grant).mode)) return false;
      return grant?.token === token || (former?.token === token && mayWrite(former.mode));
    });
  }
}

function listOf(lists: Map<number, ModelRequest[]>, session: number): ModelRequest[] {
  const list = lists.get(session) ?? [];
  lists.set(session, list);
  return list;
}

function drop(list: ModelRequest[], request: ModelRequest): void {
  const index = list.indexOf(request);
  if (index >= 0) list.splice(index, 1);
}
