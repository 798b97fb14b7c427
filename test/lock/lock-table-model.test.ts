/** L1, L2, L5, L6: the lock table against a map of queues, whatever is asked of it. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { Arena } from '../../src/base/arena.ts';
import { AcquireOutcome, LockTable } from '../../src/lock/lock-table.ts';

const NONE = -1;
const EPOCH = 2 ** 32 - 7;

interface Request {
  readonly session: number;
  readonly sequence: number;
}

interface Held extends Request {
  readonly token: number;
}

interface ModelLock {
  holder: Held;
  waiters: Request[];
}

class Model {
  readonly table = new LockTable(new Arena());
  readonly locks = new Map<string, ModelLock>();
  /** Greatest token ever given out for a key. */
  readonly tokens = new Map<string, number>();
  readonly #t: ExecutionContext;
  #operation = 0;

  constructor(t: ExecutionContext) {
    this.#t = t;
  }

  acquire(key: string, session: number, mayWait: boolean): void {
    const bytes = Buffer.from(key);
    const operation = this.#next();
    const request = { session, sequence: operation };
    const outcome = this.table.acquire(bytes, 0, bytes.length, session, operation, EPOCH, operation, 0, mayWait);
    const lock = this.locks.get(key);
    if (lock === undefined) {
      this.#t.is(outcome, AcquireOutcome.granted);
      this.locks.set(key, { holder: this.#grant(key, request), waiters: [] });
    } else if (mayWait) {
      this.#t.is(outcome, AcquireOutcome.queued);
      this.#t.is(this.table.waiterOf(session, operation), this.table.queuedWaiter);
      lock.waiters.push(request);
    } else this.#t.is(outcome, AcquireOutcome.busy);
  }

  #next(): number {
    this.#operation += 1;
    return this.#operation;
  }

  /** L2: a token is greater than all before it. */
  #grant(key: string, request: Request): Held {
    this.#t.true(this.#operation > (this.tokens.get(key) ?? 0));
    this.tokens.set(key, this.#operation);
    return { ...request, token: this.#operation };
  }

  /** L6: what the session holds and the token names; anything else changes nothing. */
  release(key: string, session: number, token: number): void {
    const slot = this.#find(key);
    const lock = this.locks.get(key);
    const { table } = this;
    const may = slot >= 0 && table.holder(slot) === session && table.tokenOperation(slot) === token;
    this.#t.is(may, lock !== undefined && lock.holder.session === session && lock.holder.token === token);
    if (may) this.#pass(key, slot);
  }

  #pass(key: string, slot: number): void {
    const waiter = this.table.release(slot, EPOCH, this.#next(), 0);
    const lock = this.locks.get(key) as ModelLock;
    const first = lock.waiters.shift();
    if (first === undefined) {
      this.#t.is(waiter, NONE);
      this.locks.delete(key);
      return;
    }
    this.#t.deepEqual(
      { session: this.table.waiterAttachment(waiter), sequence: this.table.waiterSequence(waiter) },
      first,
    );
    lock.holder = this.#grant(key, first);
  }

  /** L5: ends the `index`th wait of all, or lets go of what it was granted. */
  cancel(index: number): void {
    const requests = [...this.locks].flatMap(([key, lock]) =>
      [lock.holder, ...lock.waiters].map((request) => ({ key, request })),
    );
    const chosen = requests[index % Math.max(1, requests.length)];
    if (chosen === undefined) return;
    const { session, sequence } = chosen.request;
    const waiter = this.table.waiterOf(session, sequence);
    const slot = this.table.heldFor(session, sequence);
    this.#t.is((waiter === NONE ? 0 : 1) + (slot === NONE ? 0 : 1), 1);
    if (slot !== NONE) return this.#pass(chosen.key, slot);
    this.table.cancel(waiter);
    const lock = this.locks.get(chosen.key) as ModelLock;
    lock.waiters = lock.waiters.filter((other) => other !== chosen.request);
  }

  /** The end of a session: its waits end, its locks pass on, nothing of it is left. */
  end(session: number): void {
    const { table } = this;
    for (let waiter = table.firstWait(session); waiter !== NONE; waiter = table.firstWait(session))
      table.cancel(waiter);
    for (const lock of this.locks.values())
      lock.waiters = lock.waiters.filter((request) => request.session !== session);
    for (let slot = table.firstHeld(session); slot !== NONE; slot = table.firstHeld(session)) {
      this.#pass(this.#keyOf(slot), slot);
    }
    for (const { holder } of this.locks.values()) this.#t.not(holder.session, session);
  }

  #keyOf(slot: number): string {
    const bytes = Buffer.alloc(this.table.keyLength(slot));
    this.table.copyKey(slot, bytes, 0);
    return `${bytes}`;
  }

  #find(key: string): number {
    const bytes = Buffer.from(key);
    return this.table.find(bytes, 0, bytes.length);
  }

  /** The token that a release would name; now and then one of the past. */
  tokenOf(key: string, past: number): number {
    return (this.locks.get(key)?.holder.token ?? 1) - past;
  }

  /** What the table holds, as the model writes it. */
  found(): [string, ModelLock][] {
    const { table } = this;
    const found: [string, ModelLock][] = [];
    for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
      const holder = {
        session: table.holder(slot),
        sequence: table.holderSequence(slot),
        token: table.tokenOperation(slot),
      };
      const waiters: Request[] = [];
      for (let waiter = table.firstWaiter(slot); waiter !== NONE; waiter = table.waiterAfter(waiter)) {
        waiters.push({ session: table.waiterAttachment(waiter), sequence: table.waiterSequence(waiter) });
      }
      found.push([this.#keyOf(slot), { holder, waiters }]);
    }
    return found;
  }
}

const command = fc.record({
  act: fc.constantFrom('acquire', 'acquire', 'acquire', 'acquire', 'try', 'release', 'release', 'cancel', 'end'),
  key: fc.constantFrom('a', 'b', 'key c', 'd'.repeat(300), 'e', 'f', 'g', 'h', 'i', 'j', 'k'),
  session: fc.nat(4),
  index: fc.nat(30),
  past: fc.constantFrom(0, 0, 0, 1),
});

test('L1, L2, L5, L6: holds what a map of queues would', (t) => {
  const run = fc.property(fc.array(command, { minLength: 20, maxLength: 120 }), (commands) => {
    const model = new Model(t);
    for (const { act, key, session, index, past } of commands) {
      if (act === 'acquire' || act === 'try') model.acquire(key, session, act === 'acquire');
      else if (act === 'cancel') model.cancel(index);
      else if (act === 'end') model.end(session);
      else model.release(key, model.locks.get(key)?.holder.session ?? session, model.tokenOf(key, past));
    }
    const byKey = (one: [string, ModelLock], other: [string, ModelLock]): number => (one[0] < other[0] ? -1 : 1);
    t.deepEqual(model.found().sort(byKey), [...model.locks].sort(byKey));
    t.is(model.table.size, model.locks.size);
    t.is(
      model.table.waiting,
      [...model.locks.values()].reduce((sum, { waiters }) => sum + waiters.length, 0),
    );
  });
  fc.assert(run, { numRuns: 200 });
});
