/** A lock table beside its model: each does what the other does, and after every operation they are compared. */
import assert from 'node:assert/strict';
import { Arena } from '../../../src/base/arena.ts';
import { isCompatible, isDownward, LOCK_MODES, LockMode } from '../../../src/base/lock-mode.ts';
import { AcquireOutcome, LockTable } from '../../../src/lock/lock-table.ts';
import { type Grant, LockModel, type ModelRequest, undone, type Wanted } from './lock-model.ts';

const NONE = -1;
const EPOCH = 2 ** 32 - 7;
/** Tokens that are looked at again. */
const RECENT = 40;

export class CheckedLocks {
  readonly table: LockTable = new LockTable(new Arena());
  readonly model: LockModel = new LockModel();
  readonly #keys: readonly string[];
  readonly #sessions: number;
  /** By key: the greatest token given out; and those that may be held without being greater. */
  readonly #newest: Map<string, number> = new Map();
  readonly #known: Map<string, Set<number>> = new Map();
  /** How often there was what is rare. */
  readonly seen: Map<string, number> = new Map();

  constructor(keys: readonly string[], sessions: number) {
    this.#keys = keys;
    this.#sessions = sessions;
  }

  slot(key: string): number {
    const bytes = Buffer.from(key);
    return this.table.find(bytes, 0, bytes.length);
  }

  #saw(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  #next(): number {
    this.table.forgetNews();
    return this.model.next();
  }

  // ---- the same to both

  acquire(key: string, session: number, mode: number, delayMs: number, mayWait: boolean): void {
    const { table, model } = this;
    const now = this.#next();
    const number = table.requests.take(session, now, mode, 0);
    table.requests.setDelay(number, delayMs);
    const wanted = { mode, sequence: now, sinceMs: now };
    const isFree = model.isFreeFor(key, mode);
    const slot = this.slot(key);
    if (slot >= 0) assert.equal(table.isFreeFor(slot, mode), isFree);
    const bytes = Buffer.from(`.${key}.`);
    const outcome = table.acquire(bytes, 1, bytes.length - 1, number, EPOCH, now, now, mayWait);
    const request = { number, key, delayMs, session, grant: null, wanted, former: null };
    assert.equal(outcome, model.acquire(request, mayWait));
    if (outcome === AcquireOutcome.queued) assert.equal(table.waiterOf(session, now), number);
  }

  convert(request: ModelRequest, mode: number, mayWait: boolean): void {
    const now = this.#next();
    const { number } = request;
    const held = (request.grant as Grant).mode;
    const convert = (): number => this.table.convert(number, mode, now, EPOCH, now, now, mayWait);
    if (!isDownward(held, mode) && !isDownward(mode, held)) {
      assert.throws(convert, { name: 'AssertionError' });
      return this.#saw('a conversion sideways');
    }
    const outcome = convert();
    assert.equal(outcome, this.model.convert(request, mode, now, mayWait));
    if (outcome === AcquireOutcome.deadlock) this.#saw('a deadlock');
    if (outcome !== AcquireOutcome.queued) return;
    assert.equal(this.table.waiterOf(request.session, now), number);
    this.#saw(held === LockMode.null ? 'a conversion in line' : 'a conversion that waits');
  }

  release(request: ModelRequest): void {
    const now = this.#next();
    this.table.release(request.number, EPOCH, now, now);
    this.model.release(request);
  }

  cancel(request: ModelRequest): void {
    const now = this.#next();
    this.table.cancel(request.number, EPOCH, now, now);
    this.model.cancel(request);
  }

  revert(request: ModelRequest): void {
    const now = this.#next();
    this.#saw(undone(request) === null ? 'a conversion that is not undone' : 'a conversion that is undone');
    this.table.revert(request.number, EPOCH, now, now);
    this.model.revert(request);
  }

  /** As an entry that ends a session does it: waits first, then what it holds, then who waited behind it. */
  end(session: number, isLoss: boolean): void {
    const { table, model } = this;
    const now = this.#next();
    const touched: string[] = [];
    const slots: number[] = [];
    for (const wait of [...model.waitsOf(session)]) {
      assert.equal(table.firstWait(session), wait.number);
      slots.push(table.requests.lock(wait.number));
      touched.push(wait.key);
      table.endWait(wait.number);
      model.endWait(wait);
    }
    for (const held of [...model.heldBy(session)]) {
      assert.equal(table.firstHeld(session), held.number);
      if (isLoss && held.delayMs > 0) {
        table.abandon(held.number, now + held.delayMs);
        model.abandon(held);
      } else {
        table.release(held.number, EPOCH, now, now);
        model.release(held);
      }
    }
    for (const slot of slots) table.settle(slot, EPOCH, now, now);
    for (const key of touched) model.settle(key);
    assert.equal(table.firstHeld(session), NONE);
    assert.equal(table.firstWait(session), NONE);
  }

  // ---- what must hold afterwards

  check(): void {
    const { table, model } = this;
    assert.deepEqual(table.granted.slice(0, table.grantedCount), model.granted);
    assert.deepEqual(table.ended.slice(0, table.endedCount), model.ended);
    for (const key of this.#keys) this.#checkLock(key);
    for (let session = 0; session < this.#sessions; session += 1) this.#checkSession(session);
    this.#checkNumbers();
    assert.equal(table.size, model.locks.size);
    const waits = [...model.waits.values()].flat();
    assert.equal(table.waiting, waits.length);
  }

  #checkLock(key: string): void {
    const slot = this.slot(key);
    const { table, model } = this;
    assert.equal(slot >= 0, model.locks.has(key), 'what nobody holds is gone');
    if (slot < 0) return;
    const lock = model.lockOf(key);
    assert.deepEqual(this.#granted(slot), model.holdersOf(key).map(describe));
    assert.deepEqual(chain(table.firstConverting(slot), table.convertingAfter.bind(table)), numbersOf(lock.converting));
    assert.deepEqual(this.#queue(slot), lock.queue.map(describe));
    this.#checkModes(slot);
    this.#checkLines(slot);
    this.#checkLiveness(slot);
    this.#checkOrder(key);
    this.#checkTokens(key);
    this.#checkFences(key);
  }

  #granted(slot: number): unknown[] {
    return chain(this.table.firstGranted(slot), (request) => this.table.grantedAfter(request)).map((request) =>
      this.#describe(request),
    );
  }

  #queue(slot: number): unknown[] {
    return chain(this.table.firstWaiter(slot), (request) => this.table.waiterAfter(request)).map((request) =>
      this.#describe(request),
    );
  }

  /** As `describe` writes what the model has. */
  #describe(number: number): unknown {
    const { requests } = this.table;
    const now = {
      mode: requests.mode(number),
      sequence: requests.sequence(number),
      sinceMs: requests.sinceMs(number),
      token: requests.tokenOperation(number),
    };
    const { operation: _, epoch, ...pending } = this.table.conversionOf(number) ?? { operation: 0, epoch: 0 };
    const former = this.table.formerOf(number);
    const isWaiting = requests.isWaiting(number);
    assert.equal(requests.tokenEpoch(number), isWaiting ? 0 : EPOCH);
    assert.equal(requests.isAbandoned(number), requests.attachment(number) === NONE);
    assert.equal(this.table.isWaiting(number), isWaiting || 'mode' in pending);
    const { token: _none, ...wanted } = now;
    return {
      number,
      session: requests.attachment(number),
      grant: isWaiting ? null : now,
      wanted: isWaiting ? wanted : 'mode' in pending ? pending : null,
      former: former === undefined || former.sequence === now.sequence ? null : grantOf(former),
    };
  }

  /** L7: all who hold it go together; and the table knows how many hold it in which mode. */
  #checkModes(slot: number): void {
    const { table } = this;
    const held = chain(table.firstGranted(slot), (request) => table.grantedAfter(request));
    const modes = held.map((request) => table.requests.mode(request));
    const goes = (mode: number, others: number[]): boolean => others.every((other) => isCompatible(mode, other));
    for (const [index, mode] of modes.entries())
      assert.ok(goes(mode, modes.toSpliced(index, 1)), `L7: held in modes ${modes}`);
    for (let mode = 0; mode < LOCK_MODES; mode += 1) {
      assert.equal(table.allows(slot, mode, NONE), goes(mode, modes));
      for (const [index, own] of modes.entries())
        assert.equal(table.allows(slot, mode, own), goes(mode, modes.toSpliced(index, 1)));
    }
  }

  /** L7: who converts from another mode than null stands apart from all others, who wait in line. */
  #checkLines(slot: number): void {
    const { table } = this;
    const { requests } = table;
    for (const request of chain(table.firstConverting(slot), (one) => table.convertingAfter(one))) {
      assert.ok(requests.isGranted(request) && requests.mode(request) !== LockMode.null);
      assert.ok(table.wantedMode(request) > requests.mode(request));
    }
    for (const request of chain(table.firstWaiter(slot), (one) => table.waiterAfter(one))) {
      const isNew = requests.isWaiting(request) && table.conversionOf(request) === undefined;
      const isFromNull = requests.isGranted(request) && requests.mode(request) === LockMode.null;
      assert.ok(isNew || isFromNull);
      assert.notEqual(table.wantedMode(request), LockMode.null, 'nobody waits for null');
    }
  }

  /**
   * L5: nobody waits who could be granted: the first conversion has a holder in its way, and so has the first in line, or a
   * conversion. L10: no conversion waits for what one behind it holds, so there is no circle of them.
   */
  #checkLiveness(slot: number): void {
    const { table } = this;
    const held = chain(table.firstGranted(slot), (request) => table.grantedAfter(request));
    const isBlocked = (request: number): boolean =>
      held.some((other) => other !== request && !isCompatible(table.wantedMode(request), table.requests.mode(other)));
    const converting = chain(table.firstConverting(slot), (request) => table.convertingAfter(request));
    const [firstConversion] = converting;
    if (firstConversion !== undefined) assert.ok(isBlocked(firstConversion), 'L5: a conversion waits for nothing');
    for (const [index, request] of converting.entries())
      for (const behind of converting.slice(index + 1))
        assert.ok(isCompatible(table.wantedMode(request), table.requests.mode(behind)), 'L10: a circle of conversions');
    const first = table.firstWaiter(slot);
    if (first === NONE || converting.length > 0) return;
    assert.ok(isBlocked(first), 'L5: the first waits for nothing');
  }

  /** L5: whoever was granted just now, and stood in line, came before all who wait yet, and when nobody converted. */
  #checkOrder(key: string): void {
    const { granted, converting, queue } = this.model.lockOf(key);
    const now = this.model.operation;
    for (const { grant, former } of granted) {
      const { token, mode, sequence } = grant as Grant;
      const isFromLine = former === null || former.mode === LockMode.null;
      if (token !== now || mode === LockMode.null || !isFromLine) continue;
      assert.equal(converting.length, 0, 'L5: it was granted before a conversion');
      for (const { wanted } of queue)
        assert.ok((wanted as Wanted).sequence > sequence, 'L5: it came later and was granted before');
    }
  }

  /** L2: a token is greater than all before it; only what a conversion came from may come back. */
  #checkTokens(key: string): void {
    const newest = this.#newest.get(key) ?? 0;
    const known = this.#known.get(key) ?? new Set();
    const present = new Set<number>();
    for (const { grant, former } of this.model.lockOf(key).granted) {
      const { token } = grant as Grant;
      assert.ok(token > newest || known.has(token), `L2: granted under ${token} after ${newest}`);
      this.#newest.set(key, Math.max(token, this.#newest.get(key) ?? 0));
      present.add(token);
      if (former !== null) present.add(former.token);
    }
    this.#known.set(key, present);
  }

  /** L9: of all the tokens that were given out lately, those count that the model says. */
  #checkFences(key: string): void {
    const { table, model } = this;
    const slot = this.slot(key);
    for (let token = Math.max(1, model.operation - RECENT); token <= model.operation; token += 1)
      assert.equal(table.isHeldUnder(slot, EPOCH, token), model.isFence(key, token), `L9: under ${token}`);
    for (const { grant } of model.lockOf(key).granted)
      assert.equal(table.isHeldUnder(slot, EPOCH, (grant as Grant).token), model.isFence(key, (grant as Grant).token));
    assert.ok(!table.isHeldUnder(slot, EPOCH - 1, model.operation));
  }

  #checkSession(session: number): void {
    const { table, model } = this;
    const held = chain(table.firstHeld(session), (request) => table.heldAfter(request));
    const waits = chain(table.firstWait(session), (request) => table.waitAfter(request));
    assert.deepEqual(held, numbersOf(model.heldBy(session)));
    assert.deepEqual(waits, numbersOf(model.waitsOf(session)));
    assert.equal(table.waitsOf(session), waits.length);
    for (const { number, grant, key } of model.heldBy(session)) {
      const { sequence, token, mode } = grant as Grant;
      const slot = this.slot(key);
      assert.equal(table.heldFor(session, sequence), number);
      assert.equal(table.waiterOf(session, sequence), NONE);
      assert.equal(table.holding(slot, session, EPOCH, token, sequence), number);
      assert.equal(table.holding(slot, session, EPOCH - 1, token, sequence), NONE);
      if (mode === LockMode.exclusive) assert.equal(table.holding(slot, session, EPOCH, token, 0), number);
    }
    for (const { number, wanted } of model.waitsOf(session)) {
      const { sequence } = wanted as Wanted;
      assert.equal(table.waiterOf(session, sequence), number);
      assert.equal(table.waitSequence(number), sequence);
      assert.equal(table.heldFor(session, sequence), NONE);
    }
  }

  /** Every number is in use or free, and free once. */
  #checkNumbers(): void {
    const { requests } = this.table;
    const used = this.model.requests.map(({ number }) => number);
    const all = [...used, ...requests.freed].sort((one, other) => one - other);
    assert.deepEqual(
      all,
      all.map((_, index) => index),
      'a number stands for one request',
    );
    for (const number of requests.freed) assert.ok(!requests.isGranted(number) && !requests.isWaiting(number));
  }
}

function chain(first: number, after: (request: number) => number): number[] {
  const requests: number[] = [];
  for (let request = first; request !== NONE; request = after(request)) requests.push(request);
  return requests;
}

function numbersOf(requests: readonly ModelRequest[]): number[] {
  return requests.map(({ number }) => number);
}

function pick({ mode, sequence, sinceMs }: Wanted): Wanted {
  return { mode, sequence, sinceMs };
}

function grantOf(former: Wanted & { readonly operation: number }): Grant {
  return { ...pick(former), token: former.operation };
}

function describe(request: ModelRequest): unknown {
  const { number, session, grant, wanted } = request;
  return { number, session, grant, wanted, former: undone(request) };
}
