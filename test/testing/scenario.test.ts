import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import { runSeed, runSeeds } from '../../src/testing/campaign.ts';
import type { Fault } from '../../src/testing/faults.ts';
import { faultsAsText, faultsOfText } from '../../src/testing/replay.ts';
import { plannedFaults, runScenario } from '../../src/testing/scenario.ts';
import { shrink } from '../../src/testing/shrink.ts';

test('seeds pass, and are the same when they run again', async (t) => {
  const { failures, counters } = await runSeeds({ seeds: [1, 3], seconds: 8 });
  t.deepEqual(
    failures.map(({ breach }) => breach),
    [],
  );
  t.true(counters.operationCount > 200);
  t.true(counters.faultCount >= 5);
});

test('another seed is another run', async (t) => {
  const [first, second] = await Promise.all([2, 6].map((seed) => runScenario({ seed, seconds: 2 })));
  t.not(first?.hash, second?.hash);
});

test('a cluster that nobody disturbs keeps its links', async (t) => {
  const { breach, trace } = await runScenario({ seed: 8, seconds: 33, faults: [], trace: true });
  t.is(breach, null);
  t.deepEqual(
    // What the clients do to each other is no trouble of the cluster.
    trace.filter((line) => /warn:|error:/.test(line) && !line.includes('deadlock resolved')),
    [],
  );
});

test('a replay tells the same', async (t) => {
  const options = { seed: 11, seconds: 4, trace: true } as const;
  const first = await runScenario(options);
  const second = await runScenario(options);
  t.deepEqual(second.trace, first.trace);
  t.deepEqual(second.histories, first.histories);
});

test('faults fit a command line and come back', (t) => {
  const planned = plannedFaults({ seed: 5, seconds: 30 });
  const kept = planned.filter((_, index) => index % 2 === 1).map((fault) => ({ ...fault, forMs: fault.forMs + 1 }));
  t.deepEqual(faultsOfText(faultsAsText(kept, planned), planned), kept);
  t.deepEqual(faultsOfText(faultsAsText(planned, planned), planned), planned);
  t.deepEqual(faultsOfText('', planned), []);
  const error = t.throws(() => faultsOfText('0,999', planned), { instanceOf: KeyvalError });
  t.regex(error?.message ?? '', /'999' names none/);
});

test('a failing run shrinks to the faults that it needs', async (t) => {
  // A majority loses its disks: nobody knows any more what was decided, and nobody may decide again.
  const other: Fault = { kind: 'clockJump', atMs: 1500, forMs: 0, target: 0, peer: -1, amount: 50 };
  const wipe = (target: number): Fault => ({ ...other, kind: 'wipeDisk', atMs: 2500, target });
  const crash = (target: number): Fault => ({ ...other, kind: 'crashNode', atMs: 3000, forMs: 200, target, amount: 0 });
  const faults = [other, wipe(0), wipe(1), { ...other, target: 1 }, crash(0), crash(1), crash(2)];
  const options = { seed: 8, seconds: 6, nodes: 3 };
  const failing = await runSeed({ ...options, faults }, false);
  t.is(failing.breach?.rule, 'progress');
  const { result } = await shrink(failing, options, 16);
  t.is(result.breach?.rule, 'progress');
  t.deepEqual(result.faults.map(({ kind, target }) => `${kind} ${target}`).sort(), [
    'crashNode 0',
    'crashNode 1',
    'wipeDisk 0',
    'wipeDisk 1',
  ]);
});

test('R24: a large put that was refused and is tried again is never staged twice (seed 64)', async (t) => {
  const { breach } = await runScenario({ seed: 64, seconds: 6, faults: [] });
  t.is(breach, null);
});
