// L10: two rounds, the second begun after the first has ended; what one of them has not seen is no deadlock.
import test from 'ava';
import { LockMode } from '../../src/base/lock-mode.ts';
import type { Deadlock } from '../../src/lock/deadlock.ts';
import type { ReportedLock } from '../../src/lock/messages.ts';
import { DeadlockRounds, type RoundsHost } from '../../src/node/deadlock-rounds.ts';

/** Flow `holder` holds the lock under `operation`, `waiter` waits for it. */
function held(partition: number, holder: number, waiter: number, waitsMs: number, operation = 1): ReportedLock {
  const mode = LockMode.exclusive;
  const session = 'ab'.repeat(16);
  const wait = {
    epoch: 1,
    operation: waiter,
    sequence: waiter,
    mode,
    converts: null,
    session,
    flow: waiter,
    name: 'c',
    waitsMs,
  };
  return { partition, key: 'key', grants: [{ epoch: 1, operation, mode, session, flow: holder }], waits: [wait] };
}

class Scene implements RoundsHost {
  nowMs = 10_000;
  isCommander = true;
  readonly settings = { deadlockPeriodMs: 1000, deadlockAfterMs: 500 };
  own: ReportedLock[] = [];
  members: number[] = [1];
  readonly asked: number[] = [];
  readonly condemned: { deadlock: Deadlock; by: number | null; round: number }[] = [];
  readonly rounds: DeadlockRounds = new DeadlockRounds(this);

  report(): ReportedLock[] {
    return this.own;
  }

  ask(round: number): number[] {
    this.asked.push(round);
    return this.members;
  }

  condemn(deadlock: Deadlock, by: number | null, round: number): void {
    this.condemned.push({ deadlock, by, round });
  }

  after(ms: number): this {
    this.nowMs += ms;
    this.rounds.tick();
    return this;
  }

  /** The answer of the member in slot 1 to the last round. */
  answer(...locks: ReportedLock[]): void {
    this.rounds.answered(1, this.asked.at(-1) as number, locks);
  }
}

const mine = held(1, 1, 2, 900);
const theirs = held(2, 2, 1, 600);

test('a circle counts when a second round reports it, too; whoever reported the youngest wait is told', (t) => {
  const scene = new Scene();
  scene.own = [mine];
  scene.after(100).answer(theirs);
  t.deepEqual(scene.asked, [1, 2], 'the second begins at once');
  t.deepEqual(scene.condemned, []);
  scene.answer(theirs);
  t.is(scene.condemned.length, 1);
  t.like(scene.condemned[0], { by: 1, round: 2 });
  t.is(scene.condemned[0]?.deadlock[0]?.wait.flow, 1);
  t.deepEqual([scene.rounds.found, scene.rounds.dropped], [1, 0]);
});

test('a wait that has ended by the second round', (t) => {
  const scene = new Scene();
  scene.own = [mine];
  scene.after(100).answer(theirs);
  scene.answer();
  t.deepEqual(scene.condemned, []);
  t.is(scene.rounds.dropped, 1);
});

test('a lock that is held under another token by the second round', (t) => {
  const scene = new Scene();
  scene.own = [mine];
  scene.after(100);
  scene.own = [held(1, 1, 2, 900, 7)];
  scene.answer(theirs);
  scene.answer(theirs);
  t.deepEqual(scene.condemned, []);
});

test('nothing to find: one round a period', (t) => {
  const scene = new Scene();
  for (let ticks = 0; ticks < 21; ticks += 1) {
    scene.after(100);
    scene.answer(theirs);
  }
  t.deepEqual(scene.asked, [1, 2, 3]);
});

test('whoever does not answer contributes nothing, and what comes late or of another round is passed over', (t) => {
  const scene = new Scene();
  scene.members = [1, 2];
  scene.own = [mine, theirs];
  scene.after(100);
  scene.rounds.answered(1, 1, []);
  scene.rounds.answered(1, 1, []);
  scene.after(900);
  t.deepEqual(scene.asked, [1]);
  scene.after(100);
  t.deepEqual(scene.asked, [1, 2]);
  scene.rounds.answered(2, 1, []);
  scene.rounds.answered(1, 2, []);
  t.deepEqual(scene.condemned, []);
  scene.after(1000);
  t.like(scene.condemned, [{ by: null }]);
});

test('a cluster of one finds its own in one tick', (t) => {
  const scene = new Scene();
  scene.members = [];
  scene.own = [mine, theirs];
  scene.after(0);
  t.is(scene.condemned.length, 1);
});

test('whoever is no commander, or is told not to, asks nobody, and forgets what it asked', (t) => {
  const scene = new Scene();
  scene.own = [mine];
  scene.after(100);
  scene.isCommander = false;
  scene.after(100).answer(theirs);
  t.deepEqual(scene.asked, [1]);
  scene.isCommander = true;
  scene.after(2000).answer(theirs);
  scene.isCommander = false;
  scene.answer(theirs);
  t.deepEqual([scene.asked, scene.condemned], [[1, 2, 3], []]);
  const off = new Scene();
  Object.assign(off.settings, { deadlockPeriodMs: 0 });
  off.after(5000);
  t.deepEqual(off.asked, []);
});
