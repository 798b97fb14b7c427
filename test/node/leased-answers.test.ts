/** R12: answers under a lease leave only if it still holds when everything of the turn has been read. */
import test from 'ava';
import { LeasedAnswers } from '../../src/node/leased-answers.ts';
import { ReignLease } from '../../src/node/reign-lease.ts';
import { Caller } from './support/caller.ts';

class World {
  /** As of the start of the turn, and what a clock read now says. */
  nowMs = 100;
  clockMs = 100;
  untilMs = 600;
  readonly logged: string[] = [];
  readonly log = { write: (_level: string, event: string): void => void this.logged.push(event) };
  readonly lease: ReignLease = new ReignLease({ touch: () => this.clockMs, leaseUntilMs: () => this.untilMs });
  readonly answers: LeasedAnswers = new LeasedAnswers(this);

  constructor() {
    this.lease.needs([1]);
  }

  /** What the node does where its clocks have jumped. */
  jumped = false;

  checkClocks(): void {
    this.nowMs = this.clockMs;
    if (this.jumped) this.answers.void();
  }
}

test('R12: an answer leaves when the lease still holds at the end of its turn', (t) => {
  const world = new World();
  const caller = new Caller();
  t.true(world.answers.may(world.lease, caller));
  world.clockMs = 599;
  world.answers.endOfTurn();
  t.false(caller.closed);
  t.false(caller.leased);
});

test('R12: a process that slept in the middle of a turn answers nobody it had read something for', (t) => {
  const world = new World();
  const asked = new Caller();
  const other = new Caller();
  t.true(world.answers.may(world.lease, asked));
  t.true(world.answers.may(world.lease, asked));
  world.clockMs = 600;
  world.answers.endOfTurn();
  t.true(asked.closed);
  t.false(other.closed);
  t.deepEqual(world.logged, ['this process slept past its leases']);
  world.answers.endOfTurn();
  t.is(world.logged.length, 1, 'the next turn is another');
});

test('R12: the shortest of the leases of a turn counts', (t) => {
  const world = new World();
  const longer = new ReignLease({ touch: () => 0, leaseUntilMs: () => 2000 });
  longer.needs([1]);
  const caller = new Caller();
  t.true(world.answers.may(longer, caller));
  t.true(world.answers.may(world.lease, caller));
  world.clockMs = 700;
  world.answers.endOfTurn();
  t.true(caller.closed);
});

test('R12: a clock that jumps within a turn takes its answers along, and those of no other turn', (t) => {
  const world = new World();
  const asked = new Caller();
  t.true(world.answers.may(world.lease, asked));
  world.jumped = true;
  world.answers.endOfTurn();
  t.true(asked.closed);
  world.jumped = false;
  world.answers.void();
  const next = new Caller();
  t.true(world.answers.may(world.lease, next));
  world.answers.endOfTurn();
  t.false(next.closed);
});

test('R12: with little of the lease left the clock is read for the answer, and the turn takes nothing back', (t) => {
  const world = new World();
  world.nowMs = 500;
  world.clockMs = 590;
  const caller = new Caller();
  t.true(world.answers.may(world.lease, caller));
  world.clockMs = 600;
  t.false(world.answers.may(world.lease, new Caller()));
  world.answers.endOfTurn();
  t.false(caller.closed);
});

test('R12: without a lease at the start of the turn nothing is answered', (t) => {
  const world = new World();
  world.untilMs = 100;
  t.false(world.answers.may(world.lease, new Caller()));
});
