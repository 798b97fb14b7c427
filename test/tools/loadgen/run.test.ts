/** Short runs against three nodes in the process of the test. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { RunningNode } from '../../../src/index.ts';
import { judgeHistory } from '../../../src/testing/checkers/index.ts';
import { parseMix } from '../../../tools/loadgen/mix.ts';
import type { LoadOptions } from '../../../tools/loadgen/options.ts';
import { exitCodeOf } from '../../../tools/loadgen/report.ts';
import { type RunHooks, runLoad } from '../../../tools/loadgen/run.ts';
import { startCluster } from './cluster.ts';

let nodes: readonly RunningNode[] = [];
const folder = mkdtempSync(join(tmpdir(), 'loadgen-'));

test.before(async () => {
  nodes = await startCluster(22_400);
});

test.after.always(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  rmSync(folder, { recursive: true });
});

function options(changes: Partial<LoadOptions>): LoadOptions {
  return {
    endpoints: [nodes[0]?.address as string],
    cluster: 'keyval',
    secret: null,
    threads: 1,
    loops: 16,
    seconds: Number.POSITIVE_INFINITY,
    ops: Number.POSITIVE_INFINITY,
    keys: 20,
    valueBytes: 64,
    mix: parseMix('get=80,put=15,lock=5'),
    zipf: 0,
    rate: Number.POSITIVE_INFINITY,
    seed: 1,
    verify: false,
    history: null,
    ...changes,
  };
}

function hooks(changes: Partial<RunHooks> = {}): RunHooks {
  return { stop: new AbortController().signal, terminal: { write: () => true }, skipLock: false, ...changes };
}

const everything = parseMix('get=30,put=20,cas=20,delete=5,incr=10,lock=10,trylock=5');

test.serial('a run of everything: counted, verified, with a history that the judge accepts', async (t) => {
  const history = join(folder, 'history');
  const run = options({ threads: 2, ops: 3001, mix: everything, zipf: 0.9, verify: true, history });
  const report = await runLoad(run, hooks());
  t.deepEqual(report.errors, []);
  t.is(report.operations, 3001);
  t.is(report.kinds.length, 9);
  t.is(
    report.kinds.reduce((sum, { operations }) => sum + operations, 0),
    3001,
  );
  t.true(report.kinds.every(({ p50Micros, maxMicros }) => p50Micros > 0 && p50Micros <= maxMicros));
  t.like(report.increments, { unknown: 0, lost: 0, surplus: 0, unread: 0 });
  t.is(exitCodeOf(report), 0);
  const { verdict, violations, summary } = judgeHistory(history);
  t.deepEqual(violations, []);
  t.is(verdict, 'linearizable');
  t.true(summary.calls > 3001);
  t.deepEqual(readdirSync(folder), ['history']);
});

test.serial('without the lock, updates are lost, and --verify says so', async (t) => {
  const run = options({ ops: 4000, loops: 128, mix: parseMix('get=1'), verify: true });
  const report = await runLoad(run, hooks({ skipLock: true }));
  t.true((report.increments?.lost ?? 0) > 0);
  t.is(exitCodeOf(report), 1);
});

test.serial('counters are removed, and the CPU time of nodes is known', async (t) => {
  const report = await runLoad(options({ ops: 100, verify: true }), hooks());
  t.true((report.cpuMicrosPerOperation.nodes ?? 0) > 0);
  await using client = await (nodes[0] as RunningNode).client();
  for await (const { key } of client.scan({ prefix: 'loadgen:', values: false })) {
    t.regex(key, /^loadgen:(key|number):\d+$/);
  }
});

test.serial('a rate holds operations back until they are due', async (t) => {
  const report = await runLoad(options({ rate: 1000, ops: 50, threads: 2 }), hooks());
  t.is(report.operations, 50);
  t.true(report.seconds >= 0.048, 'each thread has 25 operations, 2 ms apart');
});

test.serial('a run without end shows how it goes, and ends when it is told', async (t) => {
  const stop = new AbortController();
  const shown: string[] = [];
  const write = (text: string): void => {
    shown.push(text);
    if (text.includes('ops/s')) stop.abort();
  };
  const report = await runLoad(options({}), hooks({ stop: stop.signal, terminal: { isTTY: true, write } }));
  t.regex(shown[0] ?? '', /preparing 20 keys …$/);
  t.regex(shown[1] ?? '', /1 s {3}[\d,]+ ops\/s {3}0 errors$/);
  t.true(report.operations > 0);
  t.is(exitCodeOf(report), 0);
});
