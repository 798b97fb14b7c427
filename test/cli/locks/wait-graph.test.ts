/** The wait-for graph: who stands in whose way, and circles. */
import test from 'ava';
import { dotText, graphText } from '../../../src/cli/locks/graph.ts';
import { isCertain, waitGraph } from '../../../src/cli/locks/wait-graph.ts';
import type { LockHolder, LockInfo, LockWaiter } from '../../../src/client/lock-admin.ts';
import type { FullLockModeName } from '../../../src/index.ts';

interface Who {
  readonly name: string;
  readonly flow?: number;
  readonly mode?: FullLockModeName;
}

function holds({ name, flow = 1, mode = 'exclusive' }: Who, token = 1n): LockHolder {
  return {
    session: `session of ${name}`,
    name,
    from: null,
    flow,
    mode,
    label: '',
    token,
    heldMs: 1,
    leaseMs: 1,
    leaseLeftMs: 1,
    delayMs: 0,
    abandonedForMs: null,
  };
}

function waits({ name, flow = 1, mode = 'exclusive' }: Who, converts: bigint | null = null): LockWaiter {
  return { session: `session of ${name}`, name, from: null, flow, mode, label: '', waitedMs: 2000, holds: converts };
}

function lock(key: string, holders: readonly LockHolder[], waiters: readonly LockWaiter[]): LockInfo {
  const counts = { holderCount: holders.length, waiterCount: waiters.length };
  return { key, partition: 0, keyBytes: key.length, holders, waiters, ...counts };
}

function edges(locks: readonly LockInfo[]): string[] {
  return waitGraph(locks).waits.map(({ from, to, key, held }) => `${from.name} ${key} ${to.name} ${held ?? 'ahead'}`);
}

function cycles(locks: readonly LockInfo[]): string[] {
  return waitGraph(locks).cycles.map((cycle) => cycle.map(({ from }) => from.name).join(' '));
}

const [a, b, c, d]: Who[] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }] as [Who, Who, Who, Who];

test('who waits, waits for those whose mode does not go with it, and for who stands ahead', (t) => {
  const readers = [holds({ name: 'a', mode: 'protected-read' }), holds({ name: 'b', mode: 'null' })];
  t.deepEqual(edges([lock('k', readers, [waits(c as Who), waits({ name: 'd', mode: 'protected-read' })])]), [
    'c k a protected-read',
    'd k c ahead',
  ]);
  t.is(graphText(waitGraph([])), 'nobody waits for a lock');
});

test('a conversion waits for the other holders, not for itself', (t) => {
  const readers = [holds({ name: 'a', mode: 'protected-read' }, 5n), holds({ name: 'b', mode: 'protected-read' }, 6n)];
  const converting = [waits(a as Who, 5n), waits(b as Who, 6n)];
  t.deepEqual(edges([lock('k', readers, converting)]), ['a k b protected-read', 'b k a protected-read']);
  t.deepEqual(cycles([lock('k', readers, converting)]), ['a b']);
});

test('a conversion of a place in line waits in line', (t) => {
  const holders = [holds({ name: 'a' }, 5n), holds({ name: 'b', mode: 'null' }, 6n)];
  t.deepEqual(edges([lock('k', holders, [waits(c as Who), waits(b as Who, 6n)])]), [
    'c k a exclusive',
    'b k a exclusive',
    'b k c ahead',
  ]);
});

test('a circle over two locks is found; who only waits for it is not part of it', (t) => {
  const locks = [
    lock('x', [holds(a as Who)], [waits(b as Who), waits(c as Who)]),
    lock('y', [holds(b as Who)], [waits(a as Who)]),
  ];
  t.deepEqual(cycles(locks), ['b a']);
  const graph = waitGraph(locks);
  t.true(isCertain(graph.cycles[0] as never));
  const text = graphText(graph);
  t.regex(text, /^WHO +WAITS FOR +LOCK +WANTED +HELD +SINCE +CYCLE\n/);
  t.regex(text, /\nb flow 1 +a flow 1 +x +exclusive +exclusive +2s +1\n/);
  t.regex(text, /\nc flow 1 +b flow 1 +x +exclusive +\(ahead in line\) +2s +-\n/);
  t.regex(text, /\n\ncycle 1: b flow 1 → x → a flow 1 → y → b flow 1$/);
});

test('two circles are two; a lock that two flows of one session hold and want is no circle', (t) => {
  const two = [
    lock('1', [holds(a as Who)], [waits(b as Who)]),
    lock('2', [holds(b as Who)], [waits(a as Who)]),
    lock('3', [holds(c as Who)], [waits(d as Who)]),
    lock('4', [holds(d as Who)], [waits(c as Who)]),
  ];
  t.deepEqual(cycles(two), ['b a', 'd c']);
  t.deepEqual(cycles([lock('k', [holds(a as Who)], [waits({ name: 'a', flow: 2 })])]), []);
  t.deepEqual(cycles([lock('k', [holds({ name: 'a', flow: 0 })], [waits({ name: 'a', flow: 0 })])]), []);
  t.deepEqual(cycles([lock('k', [holds(a as Who)], [waits(a as Who)])]), ['a'], 'a flow that waits for itself');
});

test('without flows a circle is one perhaps', (t) => {
  const [e, f] = [
    { name: 'e', flow: 0 },
    { name: 'f', flow: 0 },
  ];
  const graph = waitGraph([lock('x', [holds(e)], [waits(f)]), lock('y', [holds(f)], [waits(e)])]);
  t.is(graph.cycles.length, 1);
  t.false(isCertain(graph.cycles[0] as never));
  t.regex(graphText(graph), /cycle 1: f → x → e → y → f \(perhaps: /);
});

test('a lock-delay holds nobody responsible', (t) => {
  const gone = { ...holds(a as Who), session: '', name: '', abandonedForMs: 5000 };
  t.regex(graphText(waitGraph([lock('k', [gone], [waits(b as Who)])])), /\nb flow 1 +\(lock-delay\) +k /);
});

test('for Graphviz: names in quotes, circles in red', (t) => {
  const evil = { name: 'a"\\\n' };
  const dot = dotText(
    waitGraph([lock('x', [holds(evil)], [waits(b as Who)]), lock('y', [holds(b as Who)], [waits(evil)])]),
  );
  t.regex(dot, /^digraph locks \{\n {2}rankdir=LR;\n/);
  t.regex(dot, /\n\}\n$/);
  t.regex(dot, / -> [\s\S]* \[label="x: exclusive, 2s", color=red, penwidth=2\];/);
  t.true(dot.includes('[label="a\\"\\\\\\\\\\\\n flow 1", color=red];'), dot);
});

test('many who wait for one are no matter', (t) => {
  const crowd = Array.from({ length: 5000 }, (_, at) => waits({ name: `w${at}` }));
  const graph = waitGraph([lock('k', [holds(a as Who)], crowd)]);
  t.is(graph.waits.length, 9999);
  t.deepEqual(graph.cycles, []);
  const stuck = waitGraph([
    lock('k', [holds(a as Who)], crowd),
    lock('l', [holds({ name: 'w4999' })], [waits(a as Who)]),
    lock('m', [holds({ name: 'w0' })], [waits({ name: 'outside' })]),
  ]);
  t.is(stuck.cycles.length, 1);
});
