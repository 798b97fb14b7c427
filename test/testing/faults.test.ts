import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import {
  type Fault,
  type FaultKind,
  type FaultPlan,
  faultKinds,
  faultText,
  planFaults,
} from '../../src/testing/faults.ts';
import { runScenario } from '../../src/testing/scenario.ts';

const PLAN: FaultPlan = {
  nodes: 5,
  clients: 3,
  fromMs: 2000,
  untilMs: 60_000,
  crashable: 3,
  dynamic: true,
  kinds: faultKinds,
  least: 5,
  most: 30,
};

function planned(plan: FaultPlan): Fault[] {
  return Array.from({ length: 200 }, (_, seed) => planFaults(new Prng(seed), plan)).flat();
}

const needDisks: readonly FaultKind[] = ['stopNode', 'killAll', 'wipeDisk', 'damageDisk', 'slowDisk', 'fullDisk'];

test('every kind comes up, within its time, and can be told', (t) => {
  const faults = planned(PLAN);
  t.deepEqual([...new Set(faults.map(({ kind }) => kind))].sort(), [...faultKinds].sort());
  t.true(faults.every(({ atMs }) => atMs >= PLAN.fromMs && atMs <= PLAN.untilMs));
  t.true(faults.every((fault) => /^\d+\.\d{3} s: \S/.test(faultText(fault, PLAN.nodes))));
});

test('what needs state directories and a book is left out where there are none', (t) => {
  const kinds = new Set(planned({ ...PLAN, dynamic: false }).map(({ kind }) => kind));
  t.deepEqual(
    needDisks.filter((kind) => kinds.has(kind)),
    [],
  );
});

test('only a minority may lose its disk in one run, and it crashes for that', (t) => {
  for (let seed = 0; seed < 200; seed += 1) {
    for (const nodes of [1, 2, 3, 4, 5]) {
      const faults = planFaults(new Prng(seed), { ...PLAN, nodes, crashable: nodes });
      const lost = faults.filter(({ kind }) => kind === 'wipeDisk' || kind === 'damageDisk');
      t.true(new Set(lost.map(({ target }) => target)).size <= Math.floor((nodes - 1) / 2));
    }
  }
  const faults = planned({ ...PLAN, kinds: ['wipeDisk', 'damageDisk'] });
  const crashes = faults.filter(({ kind }) => kind === 'crashNode').length;
  t.true(crashes > faults.length / 3);
});

const fault = (kind: FaultKind, atMs: number, forMs: number, amount = 0): Fault => {
  return { kind, atMs, forMs, target: 0, peer: -1, amount };
};

test('all nodes die at once: what was kept counts no more, and the cluster goes on', async (t) => {
  const faults = [fault('killAll', 2500, 500), fault('killAll', 4500, 300, 1)];
  const { breach, counters, trace } = await runScenario({ seed: 3, seconds: 6, faults, trace: true });
  t.is(breach, null);
  t.is(counters.faults.killAll, 2);
  t.true(trace.some((line) => /all nodes are killed at once/.test(line)));
});

test('a node that is told to stop ends by itself and comes back', async (t) => {
  const { breach, counters } = await runScenario({ seed: 3, seconds: 6, faults: [fault('stopNode', 2500, 3000)] });
  t.is(breach, null);
  t.is(counters.happened.plannedStops, 1);
});
