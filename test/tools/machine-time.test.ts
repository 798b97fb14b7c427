import test from 'ava';
import { machineTime, parseMachineTime } from '../../tools/machine-time.ts';

test('reads what all processors did, and what the host took', (t) => {
  const text = 'cpu  100 20 3 5000 7 4 5 60 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n';
  t.deepEqual(parseMachineTime(text), { busyMs: 1320, stolenMs: 600 });
});

test('an old system that tells no stolen time has none', (t) => {
  t.deepEqual(parseMachineTime('cpu  1 2 3 4'), { busyMs: 60, stolenMs: 0 });
});

test('this machine has been busy since it was started, and is never less so', (t) => {
  const before = machineTime();
  const after = machineTime();
  t.true(before.busyMs > 0);
  t.true(after.busyMs >= before.busyMs && after.stolenMs >= before.stolenMs);
});
