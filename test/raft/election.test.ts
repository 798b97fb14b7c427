import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { ElectionClock, electionTimeoutMs, seniorityRank } from '../../src/raft/election.ts';
import { defaultRaftSettings } from '../../src/raft/settings.ts';
import { noDice } from './support/messages.ts';

test('rank: the place among the voters by age, without the leader that is silent', (t) => {
  for (const [seniority, voters, self, leader, rank] of [
    [[1, 2, 3], [1, 2, 3], 1, 0, 0],
    [[1, 2, 3], [1, 2, 3], 3, 0, 2],
    [[1, 2, 3], [1, 2, 3], 3, 1, 1],
    [[3, 1, 2], [1, 2, 3], 3, 1, 0],
    [[9, 3], [1, 2, 3], 1, 0, 1],
    [[9, 3], [1, 2, 3], 2, 0, 2],
    [[1, 2], [1, 2], 7, 0, 2],
  ] as const) {
    t.is(seniorityRank(seniority, voters, self, leader), rank);
  }
});

test('time-outs: 600 ms, 100 more per older voter, up to 50 at random', (t) => {
  const dice = new Prng(1);
  for (const rank of [0, 1, 5]) {
    const drawn = Array.from({ length: 2000 }, () => electionTimeoutMs(defaultRaftSettings, rank, dice));
    t.is(Math.min(...drawn), 600 + 100 * rank);
    t.is(Math.max(...drawn), 650 + 100 * rank);
  }
});

test('the clock counts from the last sign of life, and anew after a pause', (t) => {
  const clock = new ElectionClock(defaultRaftSettings, noDice, 0);
  clock.draw(1);
  t.is(clock.dueMs, 700);
  t.false(clock.observe(100));
  clock.heard();
  t.is(clock.dueMs, 800);
  t.true(clock.isSticky);
  t.false(clock.observe(300)); // late, but no pause
  t.is(clock.dueMs, 800);
  t.true(clock.observe(501));
  t.is(clock.dueMs, 1201);
  t.false(clock.isDue);
  for (let now = 600; now <= 1300; now += 100) clock.observe(now);
  t.true(clock.isDue);
  t.false(clock.isSticky);
});

test('a clock that goes back is not believed', (t) => {
  const clock = new ElectionClock(defaultRaftSettings, noDice, 1000);
  clock.observe(100);
  t.is(clock.nowMs, 1000);
});
