/** L4: the main thread's side. The test is the nodes, the clock and the renewal thread. */
import test from 'ava';
import type { Lock } from '../../../src/client/lock.ts';
import type { LockLoss } from '../../../src/client/lock-loss.ts';
import type { ConnectOptions } from '../../../src/client/options.ts';
import { LeaseBoard } from '../../../src/client/renewal/lease-board.ts';
import { Pulse } from '../../../src/client/renewal/pulse.ts';
import type { RenewalEnd, RenewalHost, RenewalWork } from '../../../src/client/renewal/work.ts';
import { KeyvalError } from '../../../src/errors.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { number } from '../../../tools/fuzz/world/frames.ts';
import { A, ATTACHMENT, B, C, ClientWorld, NOTHING_THERE, type NodeEnd } from '../support/world.ts';

const LEASE_MS = 3000;
const BUDGET_MS = 1000;

class ScriptedThread implements RenewalHost {
  readonly originMs = 500_000;
  readonly begun: RenewalWork[] = [];
  ended = 0;
  fail: (error: KeyvalError) => void = () => undefined;

  begin(work: RenewalWork, failed: (error: KeyvalError) => void): RenewalEnd {
    this.begun.push(work);
    this.fail = failed;
    return () => {
      this.ended += 1;
      return Promise.resolve();
    };
  }

  get work(): RenewalWork {
    return this.begun[0] as RenewalWork;
  }

  /** The clock of the test counts from the same moment for both. */
  get board(): LeaseBoard {
    return new LeaseBoard(this.work.leases, this.originMs);
  }

  get pulse(): Pulse {
    return new Pulse(this.work.pulse);
  }
}

interface Holder {
  readonly world: ClientWorld;
  readonly thread: ScriptedThread;
  readonly lock: Lock;
  readonly losses: LockLoss[];
}

/** The lock of `key` in partition 0, whose primary is A. */
async function locked(world: ClientWorld, key: string, operation = 5n): Promise<Lock> {
  const taking = world.client.lock(key);
  await world.rest();
  const asked = world.end(A).only();
  await world.end(A).say(op.LKDK, asked.messageId, number(8, ATTACHMENT + operation), NOTHING_THERE);
  return taking;
}

async function holder(options: ConnectOptions = {}): Promise<Holder> {
  const thread = new ScriptedThread();
  const settings = { leaseMs: LEASE_MS, hangBudgetMs: BUDGET_MS, ...options };
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, settings, thread);
  await world.attach(A, 'key');
  const lock = await locked(world, 'key');
  const losses: LockLoss[] = [];
  lock.on('lost', (loss) => losses.push(loss));
  return { world, thread, lock, losses };
}

test('the thread is begun with the first lock, and told where the nodes are', async (t) => {
  const thread = new ScriptedThread();
  const options = { leaseMs: LEASE_MS, hangBudgetMs: BUDGET_MS, name: 'me' };
  const world = await ClientWorld.connected({ version: 1, primaries: [0] }, options, thread);
  await world.attach(A, 'key');
  t.is(thread.begun.length, 0);
  await locked(world, 'key');
  await locked(world, 'other', 6n);
  t.is(thread.begun.length, 1);
  const { endpoints, login, session, leaseMs, hangBudgetMs } = thread.work;
  t.deepEqual(endpoints, [A, B, C]);
  t.deepEqual(
    { name: login.name, cluster: login.cluster, secret: login.secret },
    { name: 'me', cluster: 'keyval', secret: null },
  );
  t.deepEqual(session, world.client.dispatcher.session.id);
  t.deepEqual({ leaseMs, hangBudgetMs }, { leaseMs: LEASE_MS, hangBudgetMs: BUDGET_MS });
  t.true(thread.board.untilMs(0) > 0, 'what is attached stands on the board');
});

test("renewal: 'main' needs no thread", async (t) => {
  const { thread } = await holder({ renewal: 'main' });
  t.is(thread.begun.length, 0);
});

test('what the thread renews counts, at once', async (t) => {
  const { world, thread, lock } = await holder();
  const { board } = thread;
  board.renew(0, board.stamp(0), 2 * LEASE_MS);
  await world.pass(LEASE_MS + 100);
  t.true(lock.held);
  t.false(lock.signal.aborted);
  await world.pass(LEASE_MS);
  t.false(lock.held);
  t.true(lock.signal.aborted);
});

test('what the main thread renews, and what it attaches anew, stands on the board', async (t) => {
  const { world, thread, lock } = await holder();
  await world.pass(LEASE_MS / 3);
  await world.end(A).kept(world.end(A).only(), [0], []);
  t.true(thread.board.untilMs(0) > LEASE_MS);
  const stamp = thread.board.stamp(0);
  await world.pass(LEASE_MS / 3);
  await world.end(A).kept(world.end(A).only(), [], []);
  t.is(thread.board.untilMs(0), 0);
  thread.board.renew(0, stamp, 9 * LEASE_MS);
  t.is(thread.board.untilMs(0), 0, 'the attachment that was asked about is lost');
  t.false(lock.held);
});

test('session: the thread has heard that its node does not know it any more', async (t) => {
  const { thread, lock, losses } = await holder();
  const { board } = thread;
  board.forget(0, board.stamp(0));
  t.false(lock.held, 'without an event in between');
  t.is(losses[0]?.cause, 'session');
});

test('hang: who asks is told at once, and the lock is given back ahead of whatever is written under it', async (t) => {
  const { world, thread, lock, losses } = await holder();
  thread.pulse.ran(BUDGET_MS);
  t.true(lock.held, 'it may stand still for as long as that');
  thread.pulse.ran(1);
  const write = world.client.put('key', 'late', { fence: { key: 'key', token: lock.token } });
  t.deepEqual(
    losses.map(({ cause }) => cause),
    ['hang'],
  );
  t.false(lock.held);
  t.true(lock.signal.aborted);
  t.regex(losses[0]?.error.message ?? '', /the main thread stood still for 1001 ms, longer than hangBudgetMs \(1000\)/);
  await world.rest();
  const asked = world.end(A).asked();
  t.deepEqual(
    asked.map(({ opcode }) => opcode),
    ['ULKK', 'PUTK'],
  );
  await world.end(A).fail(asked[1] as never, 32);
  await t.throwsAsync(write);
});

test('hang: whatever comes round first finds it; a lock that is granted then is none of those lost', async (t) => {
  const { world, thread, lock, losses } = await holder();
  const taking = world.client.lock('other');
  await world.rest();
  const asked = world.end(A).only();
  thread.pulse.ran(BUDGET_MS + 1);
  await world.end(A).say(op.LKDK, asked.messageId, number(8, ATTACHMENT + 9n), NOTHING_THERE);
  const other = await taking;
  t.is(losses[0]?.cause, 'hang');
  t.false(lock.held);
  t.true(other.held);
  await world.pass(BUDGET_MS / 2);
  t.true(other.held);
});

test('hang: the timer finds it, and from then on the main thread runs', async (t) => {
  const { world, thread, losses } = await holder();
  thread.pulse.ran(BUDGET_MS + 1);
  await world.pass(BUDGET_MS / 10);
  t.is(losses[0]?.cause, 'hang');
  t.is(thread.pulse.stalledMs, 0);
});

test('a main thread that ticks is not hung, however long it runs', async (t) => {
  const { world, thread, lock } = await holder();
  for (let passed = 0; passed < 20 * BUDGET_MS; passed += 100) {
    thread.pulse.ran(100);
    thread.board.renew(0, thread.board.stamp(0), passed + LEASE_MS);
    await world.pass(100);
  }
  t.true(lock.held);
});

test('a thread that fails is told once, and the main thread goes on', async (t) => {
  const { world, thread, lock } = await holder();
  const warnings: KeyvalError[] = [];
  world.client.on('warning', (error) => warnings.push(error));
  thread.fail(new KeyvalError('KV_INTERNAL', 'it failed'));
  t.deepEqual(
    warnings.map(({ message }) => message),
    ['it failed'],
  );
  await world.pass(LEASE_MS / 3);
  await world.end(A).kept(world.end(A).only(), [0], []);
  await world.pass(LEASE_MS - 100);
  t.true(lock.held);
});

test('a thread that fails a lock with a lease of its own is told to whoever listens at the client', async (t) => {
  const thread = new ScriptedThread();
  const table = { version: 1, primaries: [0] };
  const world = await ClientWorld.connected(table, { leaseMs: LEASE_MS, hangBudgetMs: BUDGET_MS }, thread);
  const warnings: KeyvalError[] = [];
  world.client.on('warning', (warning) => warnings.push(warning));
  const taking = world.client.lock('key', { leaseMs: 2 * LEASE_MS });
  await world.rest();
  const node = world.end(A); // of the session with that lease
  await node.welcome(table);
  await node.done(node.only(), ATTACHMENT);
  await node.say(op.LKDK, node.only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  const lock = await taking;
  const failure = new KeyvalError('KV_INTERNAL', 'out of order');
  thread.fail(failure);
  t.deepEqual(warnings, [failure]);
  t.true(lock.held);
});

test('close ends it', async (t) => {
  const { world, thread } = await holder();
  const closing = world.client.close();
  await world.rest();
  for (let passed = 0; passed < 3000; passed += 50) await world.pass(50);
  await closing;
  t.is(thread.ended, 1);
});

/** The lock of `key` in a session of another lease, beside a client that is attached. Gives what the session is sent last. */
async function apart(): Promise<{ world: ClientWorld; thread: ScriptedThread; lock: Lock; main: NodeEnd }> {
  const thread = new ScriptedThread();
  const table = { version: 1, primaries: [0] };
  const world = await ClientWorld.connected(table, { leaseMs: 10 * LEASE_MS, hangBudgetMs: BUDGET_MS }, thread);
  await world.attach(A, 'key');
  const main = world.end(A);
  const taking = world.client.lock('key', { leaseMs: LEASE_MS });
  await world.rest();
  const node = world.end(A);
  await node.welcome(table);
  await node.done(node.only(), ATTACHMENT + 2n);
  await node.say(op.LKDK, node.only().messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
  return { world, thread, lock: await taking, main };
}

const overrun: Readonly<Record<string, [run: (thread: ScriptedThread, world: ClientWorld) => void, text: RegExp]>> = {
  hang: [(thread) => thread.pulse.ran(BUDGET_MS + 1), /the main thread stood still for 1001 ms/],
  lease: [
    (_, { time }) => {
      const nowMs = time.monotonicMs() + LEASE_MS;
      time.monotonicMs = () => nowMs;
    },
    /the lease ran out without a renewal/,
  ],
};

for (const [cause, [run, text]] of Object.entries(overrun)) {
  test(`L4, L9: ${cause}: a fence is a lock of whichever session, and that is the one that is looked at`, async (t) => {
    for (const fenceOf of [(lock: Lock) => lock, ({ key, token }: Lock) => ({ key, token })]) {
      const { world, thread, lock, main } = await apart();
      const fence = fenceOf(lock);
      const writing = world.client.put('key', 'in time', { fence });
      await world.rest();
      await main.done(main.only(), ATTACHMENT + 6n);
      await writing;
      run(thread, world);
      const late = world.client.put('key', 'late', { fence });
      await t.throwsAsync(late, { code: 'KV_FENCED', message: text });
      await world.rest();
      t.deepEqual(main.asked(), [], 'it would come before what is given back, perhaps');
      const asked = world
        .end(A)
        .asked()
        .map(({ opcode }) => opcode);
      t.true(asked.includes('ULKK'));
      t.false(lock.held);
    }
  });
}

test('L9: a fence that another session has let go of', async (t) => {
  const { world, lock, main } = await apart();
  await lock.release();
  const late = world.client.put('key', 'late', { fence: lock });
  await t.throwsAsync(late, { code: 'KV_FENCED', message: /was released before/ });
  t.deepEqual(main.asked(), []);
});
