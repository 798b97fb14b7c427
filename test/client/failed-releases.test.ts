/** L6: nobody waits for the answer to a plain release; when it fails, the holder is told, and only then. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import test, { type ExecutionContext } from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import { LOCK_LOST_CHANNEL, type LockLoss } from '../../src/client/lock-loss.ts';
import { codes } from '../../src/errors.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, ATTACHMENT, ClientWorld, NOTHING_THERE, writeIn } from './support/world.ts';

const LEASE_MS = 3000;
const TOKEN: bigint = ATTACHMENT + 5n;
const table = { version: 1, primaries: [0] };

class Holder {
  readonly world: ClientWorld;
  readonly lock: Lock;
  readonly told: LockLoss[] = [];
  readonly #published: LockLoss[] = [];

  constructor(t: ExecutionContext, world: ClientWorld, lock: Lock) {
    this.world = world;
    this.lock = lock;
    const publish = (message: unknown): void => {
      if ((message as LockLoss).key === lock.key) this.#published.push(message as LockLoss);
    };
    subscribe(LOCK_LOST_CHANNEL, publish);
    t.teardown(() => void unsubscribe(LOCK_LOST_CHANNEL, publish));
    lock.on('lost', (loss) => this.told.push(loss));
  }

  /** Of a lock in partition 0, whose primary is A. Keys tell tests apart on the channel of the process. */
  static async of(t: ExecutionContext, key: string): Promise<Holder> {
    const world = await ClientWorld.connected(table, { leaseMs: LEASE_MS });
    await world.attach(A, key);
    const taking = world.client.lock(key);
    await world.rest();
    await world.end(A).say(op.LKDK, world.end(A).only().messageId, number(8, TOKEN), NOTHING_THERE);
    return new Holder(t, world, await taking);
  }

  /** What A was asked since the last look, apart from renewals, which it answers, and questions about locks. */
  async asked(): Promise<Asked[]> {
    const asked = this.world.end(A).asked();
    for (const one of asked) if (one.opcode === 'KEEP') await this.world.end(A).kept(one, [0], []);
    return asked.filter(({ opcode }) => opcode !== 'KEEP' && opcode !== 'WANT');
  }

  async only(): Promise<Asked> {
    const asked = await this.asked();
    if (asked.length !== 1) throw new Error(`${asked.map(({ opcode }) => opcode).join(' ') || 'nothing'} was asked`);
    return asked[0] as Asked;
  }

  /** Gives what A was asked. */
  async release(): Promise<Asked> {
    await this.lock.release();
    await this.world.rest();
    return this.only();
  }

  fails(asked: Asked, code: 'KV_NOT_HELD' | 'KV_NO_SESSION' | 'KV_AMBIGUOUS' | 'KV_INTERNAL'): Promise<void> {
    return this.world.end(A).fail(asked, codes[code].wire);
  }

  /** The connection breaks, and A is back. */
  async comesBack(): Promise<void> {
    await this.world.end(A).break();
    await this.world.pass(600);
    await this.world.end(A).welcome(table);
  }

  async close(answered: boolean): Promise<void> {
    const closing = this.world.client.close();
    await this.world.rest();
    const [goodbye] = (await this.asked()).filter(({ opcode }) => opcode === 'CLOS');
    if (answered && goodbye !== undefined) await this.world.end(A).kept(goodbye, [0], []);
    for (let passed = 0; passed < 3000; passed += 50) await this.world.pass(50);
    await closing;
  }

  isTold(t: ExecutionContext, cause: string, text: RegExp): void {
    t.deepEqual(
      this.told.map((loss) => [loss.key, loss.token, loss.cause, loss.error.code]),
      [[this.lock.key, TOKEN, cause, 'KV_LOCK_LOST']],
    );
    t.regex(this.told[0]?.error.message ?? '', text);
    t.deepEqual(this.#published, this.told);
    t.false(this.lock.signal.aborted, 'its holder has gone on');
    this.lock.on('lost', (late) => t.deepEqual([late], this.told, 'whoever asks later is told at once'));
  }

  isNotTold(t: ExecutionContext): void {
    t.deepEqual(this.told, []);
    t.deepEqual(this.#published, []);
  }
}

test('L6: what is not held any more was taken away', async (t) => {
  const holder = await Holder.of(t, 'taken');
  await holder.fails(await holder.release(), 'KV_NOT_HELD');
  holder.isTold(t, 'broken', /the lock on 'taken' was released, and that has failed: an operator had taken it away/);
  t.like(holder.told[0]?.error.cause, { code: 'KV_NOT_HELD' });
});

test('L6: a release that is confirmed throws, and that is all', async (t) => {
  const holder = await Holder.of(t, 'confirmed');
  const releasing = t.throwsAsync(holder.lock.release({ confirm: true }), { code: 'KV_NOT_HELD' });
  await holder.world.rest();
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  await releasing;
  holder.isNotTold(t);
});

test('L6: a release that was sent, and not answered before the session ended', async (t) => {
  const holder = await Holder.of(t, 'unanswered');
  await holder.release();
  await holder.comesBack();
  await holder.fails(await holder.only(), 'KV_NO_SESSION');
  holder.isTold(t, 'session', /the session ended before a node had answered its release/);
});

test('L6: a release that could not be sent before the session ended', async (t) => {
  const holder = await Holder.of(t, 'unsent');
  await holder.world.end(A).break();
  await holder.lock.release();
  await holder.world.pass(600);
  await holder.world.end(A).welcome(table);
  await holder.fails(await holder.only(), 'KV_NO_SESSION');
  await holder.world.pass(1000);
  const attach = await holder.only();
  t.is(attach.opcode, 'ATCH');
  await holder.world.end(A).done(attach, ATTACHMENT + 9n);
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  holder.isTold(t, 'session', /the session ended before a node had answered its release/);
});

test('L6, R22: a release that was executed, and whose answer was lost, is answered under its sequence', async (t) => {
  const holder = await Holder.of(t, 'executed');
  const first = writeIn(await holder.release());
  await holder.comesBack();
  const again = await holder.only();
  t.is(again.opcode, 'ULKK');
  t.is(writeIn(again).sequence, first.sequence);
  await holder.world.end(A).done(again, TOKEN + 1n);
  holder.isNotTold(t);
});

test('L6: where the node does not know what became of it, it is asked again', async (t) => {
  const holder = await Holder.of(t, 'in doubt');
  await holder.fails(await holder.release(), 'KV_AMBIGUOUS');
  await holder.world.rest();
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  holder.isNotTold(t);
  const other = await Holder.of(t, 'in doubt still');
  await other.fails(await other.release(), 'KV_AMBIGUOUS');
  await other.world.rest();
  await other.fails(await other.only(), 'KV_AMBIGUOUS');
  other.isTold(t, 'release', /its release failed \(KV_AMBIGUOUS: .*it may stay locked until the session ends/);
});

test('L6: a release that its node refuses for good', async (t) => {
  const holder = await Holder.of(t, 'refused');
  await holder.fails(await holder.release(), 'KV_INTERNAL');
  holder.isTold(t, 'release', /its release failed \(KV_INTERNAL: /);
});

/** Let go of while it is converted upward, with no answer for a lease. Gives CNCL and the release. */
async function givenUp(t: ExecutionContext, key: string): Promise<[holder: Holder, cancel: Asked, release: Asked]> {
  const holder = await Holder.of(t, key);
  const { world, lock } = holder;
  const weaker = lock.convert('read');
  await world.rest();
  await world.end(A).say(op.LKDK, (await holder.only()).messageId, number(8, TOKEN), NOTHING_THERE);
  await weaker;
  const converting = t.throwsAsync(lock.convert('exclusive'), { code: 'KV_ABORTED' });
  await world.rest();
  await world.end(A).say(op.WAIT, (await holder.only()).messageId);
  const releasing = lock.release();
  await world.rest();
  const cancel = await holder.only();
  const asked: Asked[] = [];
  for (let passed = 0; passed < LEASE_MS; passed += 100) {
    await world.pass(100);
    asked.push(...(await holder.asked()));
  }
  await Promise.all([releasing, converting]);
  t.deepEqual([cancel.opcode, ...asked.map(({ opcode }) => opcode)], ['CNCL', 'ULKK']);
  return [holder, cancel, asked[0] as Asked];
}

test('L6: refused under the old token while a conversion was granted: that is no loss, and it is released again', async (t) => {
  const [holder, cancel, release] = await givenUp(t, 'converted');
  await holder.fails(release, 'KV_NOT_HELD');
  t.deepEqual(await holder.asked(), [], 'it is held as before only when the conversion has been undone');
  await holder.world.end(A).done(cancel, TOKEN + 1n);
  await holder.world.end(A).done(await holder.only(), TOKEN + 2n);
  holder.isNotTold(t);
});

test('L6: released under the old token while a conversion was in doubt: once is enough', async (t) => {
  const [holder, cancel, release] = await givenUp(t, 'not converted');
  await holder.world.end(A).done(release, TOKEN + 1n);
  await holder.world.end(A).done(cancel, TOKEN + 2n);
  t.deepEqual(await holder.asked(), []);
  holder.isNotTold(t);
});

test('L6: in doubt as well, and refused under the old token: it may be held as before when the conversion has been undone', async (t) => {
  const [holder, cancel, release] = await givenUp(t, 'converted in doubt');
  await holder.fails(release, 'KV_AMBIGUOUS');
  await holder.world.rest();
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  t.deepEqual(await holder.asked(), []);
  await holder.world.end(A).done(cancel, TOKEN + 1n);
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  holder.isNotTold(t);
});

test('L6: not held when the conversion in doubt has been undone either', async (t) => {
  const [holder, cancel, release] = await givenUp(t, 'converted and taken');
  await holder.fails(release, 'KV_NOT_HELD');
  await holder.world.end(A).done(cancel, TOKEN + 1n);
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  holder.isTold(t, 'broken', /an operator had taken it away/);
});

test('L6: the good-bye that a node has heard lets go of what it had not answered', async (t) => {
  const holder = await Holder.of(t, 'good-bye');
  await holder.release();
  await holder.close(true);
  holder.isNotTold(t);
});

test('L6: closed with a release that no node has answered, and no good-bye either', async (t) => {
  const holder = await Holder.of(t, 'no good-bye');
  await holder.release();
  await holder.close(false);
  holder.isTold(t, 'closed', /the client was closed before a node had answered its release/);
});

test('L6: what is lost, and given back, is told once', async (t) => {
  const holder = await Holder.of(t, 'lost');
  const { world } = holder;
  await world.pass(LEASE_MS + 1);
  const back = world
    .end(A)
    .asked()
    .filter(({ opcode }) => opcode === 'ULKK');
  t.is(back.length, 1);
  await holder.fails(back[0] as Asked, 'KV_NOT_HELD');
  t.deepEqual(
    holder.told.map(({ cause }) => cause),
    ['lease'],
  );
});

test('L6: of several handles the one that let go of the lock is told', async (t) => {
  const holder = await Holder.of(t, 'handles');
  const { world } = holder;
  await holder.release().then((asked) => world.end(A).done(asked, TOKEN + 1n));
  const told: string[] = [];
  const running = world.client.withLock('handles', async (outer) => {
    const inner = await world.client.lock('handles', { fetch: false });
    outer.on('lost', ({ cause }) => told.push(`outer ${cause}`));
    inner.on('lost', ({ cause }) => told.push(`inner ${cause}`));
    await inner.release();
  });
  await world.rest();
  await world.end(A).say(op.LKDK, (await holder.only()).messageId, number(8, TOKEN), NOTHING_THERE);
  await running;
  await world.rest();
  await holder.fails(await holder.only(), 'KV_NOT_HELD');
  t.deepEqual(told, ['outer broken']);
});
