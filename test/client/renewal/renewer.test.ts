/** L4: what the renewal thread asks, and whom, while the main thread is late. The test is the nodes and the clock. */
import test, { type ExecutionContext } from 'ava';
import { LeaseBoard } from '../../../src/client/renewal/lease-board.ts';
import { Pulse } from '../../../src/client/renewal/pulse.ts';
import { lookMsOf, Renewer } from '../../../src/client/renewal/renewer.ts';
import { A, type Asked, B, C, ClientWorld } from '../support/world.ts';

const LEASE_MS = 3000;
const LATE_MS = (LEASE_MS * 5) / 12;
const BUDGET_MS = 2000;
const LOOK_MS = 200;
const primaryA = { version: 1, primaries: [0, 1] };
const primaryB = { version: 2, primaries: [1, 1] };

/** The dispatcher of a client whose own session is attached nowhere: it renews nothing by itself. */
class Thread {
  readonly world: ClientWorld;
  readonly board: LeaseBoard = LeaseBoard.of(2, 1_000_000);
  readonly pulse: Pulse = new Pulse();
  readonly renewer: Renewer;

  constructor(world: ClientWorld, hangBudgetMs: number) {
    this.world = world;
    const { dispatcher } = world.client;
    this.renewer = new Renewer({ dispatcher, board: this.board, pulse: this.pulse, hangBudgetMs });
  }

  static async on(t: ExecutionContext, hangBudgetMs: number = BUDGET_MS): Promise<Thread> {
    const thread = new Thread(await ClientWorld.connected(primaryA, { leaseMs: LEASE_MS }), hangBudgetMs);
    t.teardown(() => void thread.renewer.close());
    return thread;
  }

  get nowMs(): number {
    return this.world.time.monotonicMs();
  }

  attach(partition: number): void {
    this.board.begin(partition, this.nowMs + LEASE_MS);
  }

  /** Look by look, while the main thread ticks, or not. */
  async pass(ms: number, ticks = true): Promise<void> {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      if (ticks) this.pulse.tick();
      await this.world.pass(LOOK_MS);
    }
  }

  keep(endpoint: string): Asked {
    return this.world.end(endpoint).only();
  }
}

test('it looks often enough for lease and budget', (t) => {
  t.is(lookMsOf(10_000, 5000), 500);
  t.is(lookMsOf(60_000, Number.POSITIVE_INFINITY), 500);
  t.is(lookMsOf(3000, 60_000), 250);
  t.is(lookMsOf(3000, 500), 50);
  t.is(lookMsOf(100, 100), 20);
});

test('it says nothing while the main thread renews in time', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  for (let round = 0; round < 6; round += 1) {
    await thread.pass(1000);
    thread.board.affirm(0, thread.nowMs + LEASE_MS);
  }
  for (const node of [A, B, C]) t.deepEqual(thread.world.end(node).asked(), []);
});

test('what is late is renewed at its primary, counted from when it was asked', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  thread.attach(1);
  await thread.pass(LATE_MS);
  const askedAtMs = thread.nowMs;
  const [toA, toB] = [thread.keep(A), thread.keep(B)];
  t.deepEqual([toA.opcode, toB.opcode], ['KEEP', 'KEEP']);
  await thread.world.pass(LOOK_MS);
  t.deepEqual(thread.world.end(A).asked(), [], 'not while its answer may be on its way');
  await thread.world.end(A).kept(toA, [0], []);
  const untilMs = thread.board.untilMs(0);
  t.true(untilMs <= askedAtMs + LEASE_MS && untilMs > askedAtMs + LEASE_MS - 2 * LOOK_MS, 'whatever the answer took');
  t.true(thread.board.untilMs(1) < untilMs, 'only what the answer names');
});

test('L3: a question is repeated long before the lease ends, and each answer counts from its own question', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  await thread.pass(LATE_MS);
  const firstAtMs = thread.nowMs;
  const lost = thread.keep(A);
  await thread.pass(2 * LOOK_MS);
  const secondAtMs = thread.nowMs;
  t.true(secondAtMs - firstAtMs <= LEASE_MS / 3);
  const second = thread.keep(A);
  await thread.pass(2 * LOOK_MS);
  const third = thread.keep(A);
  await thread.world.end(A).kept(second, [0], []);
  const untilMs = thread.board.untilMs(0);
  t.true(untilMs <= secondAtMs + LEASE_MS && untilMs > secondAtMs + LEASE_MS - LOOK_MS, 'not from the third one');
  await thread.world.end(A).kept(lost, [0], []);
  t.is(thread.board.untilMs(0), untilMs, 'it comes late');
  await thread.world.end(A).kept(third, [0], []);
  t.is(thread.board.untilMs(0), untilMs + 2 * LOOK_MS);
  await thread.pass(LATE_MS - LEASE_MS / 12 - LOOK_MS);
  t.deepEqual(thread.world.end(A).asked(), [], 'all is well');
});

test('an answer that comes when the session has attached anew renews nothing', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  await thread.pass(LATE_MS + LOOK_MS);
  const keep = thread.keep(A);
  thread.board.end(0);
  thread.board.begin(0, thread.nowMs + 1);
  await thread.world.end(A).kept(keep, [0], []);
  t.true(thread.board.untilMs(0) <= thread.nowMs + 1);
});

test('another primary is asked as soon as a table names it', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  await thread.pass(LATE_MS + LOOK_MS);
  thread.keep(A);
  await thread.world.end(C).push(primaryB);
  await thread.pass(LOOK_MS);
  const keep = thread.keep(B);
  t.is(keep.opcode, 'KEEP');
  await thread.world.end(B).kept(keep, [], [0]);
  await thread.pass(LOOK_MS);
  const again = thread.keep(B);
  await thread.world.end(B).kept(again, [0], []);
  t.true(thread.board.untilMs(0) > thread.nowMs + LEASE_MS - 2 * LOOK_MS, 'it was asked until it served');
});

test('what the primary does not know is lost at once; what a former one does not know is not', async (t) => {
  const thread = await Thread.on(t);
  thread.attach(0);
  thread.attach(1);
  await thread.pass(LATE_MS + LOOK_MS);
  const [toA, toB] = [thread.keep(A), thread.keep(B)];
  await thread.world.end(C).push(primaryB);
  await thread.world.end(A).kept(toA, [], []);
  t.false(thread.board.isForgotten(0));
  await thread.world.end(B).kept(toB, [], []);
  t.true(thread.board.isForgotten(1));
});

test('over its budget it renews nothing, until the main thread comes round', async (t) => {
  const thread = await Thread.on(t);
  await thread.pass(BUDGET_MS + 2 * LOOK_MS, false);
  t.true(thread.pulse.stalledMs > BUDGET_MS);
  thread.board.begin(0, thread.nowMs);
  await thread.pass(1000, false);
  t.deepEqual(thread.world.end(A).asked(), []);
  await thread.pass(LOOK_MS);
  t.is(thread.keep(A).opcode, 'KEEP');
});

test('a process that was stopped has not hung', async (t) => {
  const thread = await Thread.on(t);
  await thread.pass(LOOK_MS);
  const { time } = thread.world;
  const monotonicMs = time.monotonicMs.bind(time);
  time.monotonicMs = (): number => monotonicMs() + 60_000; // and no timer has fired meanwhile
  await thread.world.pass(LOOK_MS);
  t.true(thread.pulse.stalledMs <= BUDGET_MS / 2);
});
