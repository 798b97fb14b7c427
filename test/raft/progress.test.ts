import test from 'ava';
import { InFlight } from '../../src/raft/in-flight.ts';
import { Progress } from '../../src/raft/progress.ts';
import { defaultRaftSettings } from '../../src/raft/settings.ts';
import { entry } from './support/messages.ts';

const settings = { ...defaultRaftSettings, inFlightMessagesMax: 2 };

test('probe: one append at a time, until its answer or a heartbeat sent after it is answered', (t) => {
  const progress = new Progress(2, 5, settings, 0);
  progress.roundSent = 3;
  progress.sent([entry(5, 1)]);
  t.true(progress.isPaused);
  t.is(progress.next, 5);
  progress.answeredRound(3);
  t.true(progress.isPaused);
  progress.answeredRound(4);
  t.false(progress.isPaused);
});

test('replicate: as many as may be in flight', (t) => {
  const progress = new Progress(2, 5, settings, 0);
  progress.accepted(4, 0);
  t.is(progress.state, 'replicate');
  progress.sent([entry(5, 1), entry(6, 1)]);
  t.is(progress.next, 7);
  progress.sent([entry(7, 1)]);
  t.true(progress.isPaused);
  progress.accepted(6, 0);
  t.false(progress.isPaused);
  t.is(progress.match, 6);
  // Answers may be lost: each heartbeat answered lets one more pass.
  progress.sent([entry(8, 1)]);
  t.true(progress.isPaused);
  progress.answeredRound(1);
  t.false(progress.isPaused);
});

test('a rejection sends it back to probing, never before what is known to match', (t) => {
  const progress = new Progress(2, 9, settings, 0);
  t.false(progress.rejected(7, 3), 'not the probe under way');
  t.true(progress.rejected(8, 3));
  t.is(progress.next, 4);
  progress.accepted(3, 0);
  progress.sent([entry(4, 1), entry(5, 1)]);
  t.false(progress.rejected(3, 1), 'overtaken');
  t.true(progress.rejected(5, 0));
  t.is(progress.state, 'probe');
  t.is(progress.next, 4);
});

test('snapshot: nothing is sent until it has arrived, or what is needed is in the log again', (t) => {
  const progress = new Progress(2, 1, settings, 0);
  progress.sentSnapshot(50, 7);
  t.true(progress.isPaused);
  t.is(progress.snapshotSentMs, 7);
  t.is(progress.next, 51);
  progress.accepted(10, 40);
  t.is(progress.state, 'snapshot');
  progress.accepted(45, 40);
  t.is(progress.state, 'replicate');
  t.is(progress.next, 46);
});

test('in flight: bounded in number and bytes, freed in order', (t) => {
  const sent = new InFlight(3, 100);
  sent.add(1, 60);
  t.false(sent.isFull);
  sent.add(2, 60);
  t.true(sent.isFull);
  sent.freeTo(1);
  t.deepEqual([sent.count, sent.bytes], [1, 60]);
  sent.freeOldest();
  sent.freeOldest();
  t.deepEqual([sent.count, sent.bytes], [0, 0]);
  for (const index of [3, 4, 5]) sent.add(index, 1);
  t.true(sent.isFull);
  t.throws(() => sent.add(6, 1), { message: /more in flight/ });
  sent.clear();
  t.deepEqual([sent.count, sent.bytes], [0, 0]);
});
