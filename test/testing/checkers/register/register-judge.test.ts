/** Registers that are right, of all sizes and with all mishaps, are accepted; a read that is wrong is not. */

import test from 'ava';
import fc from 'fast-check';
import { judgeHistory } from '../../../../src/testing/checkers/index.ts';
import { type GeneratorOptions, generateHistory } from '../support/generated-history.ts';
import { linesOf, type Written } from '../support/lines.ts';

const options: fc.Arbitrary<GeneratorOptions> = fc.record({
  seed: fc.nat(),
  operations: fc.integer({ min: 1, max: 400 }),
  clients: fc.constantFrom(1, 2, 5, 20),
  keys: fc.constantFrom(1, 3, 10),
  unknownShare: fc.constantFrom(0, 0.02, 0.2),
  versions: fc.boolean(),
  mix: fc.constantFrom<readonly [number, number, number, number]>(
    [50, 30, 15, 5],
    [30, 30, 20, 20],
    [20, 60, 20, 0],
    [40, 10, 10, 40],
  ),
});

test('a real register with random intervals is accepted', (t) => {
  const property = fc.property(options, (generated) => {
    const { verdict, violations } = judgeHistory(linesOf([...generateHistory(generated)]));
    t.is(verdict, 'linearizable', violations[0]?.why);
  });
  fc.assert(property, { numRuns: 200 });
});

test('many clients on one key, with versions and without, are accepted', (t) => {
  for (const versions of [false, true]) {
    const generated = generateHistory({
      seed: 1,
      operations: 20_000,
      clients: 128,
      keys: 1,
      unknownShare: 0.01,
      versions,
    });
    t.is(judgeHistory(linesOf([...generated])).verdict, 'linearizable');
  }
});

/** One read of the history, answered `v` instead. */
function withRead(history: readonly Written[], chosen: number, v: string): readonly Written[] | null {
  const reads = history.filter(({ f, r }) => f === 'get' && r === 'ok');
  const read = reads[chosen % Math.max(1, reads.length)];
  if (read === undefined) return null;
  return history.map((written) => (written === read ? { ...written, o: { ...written.o, v } } : written));
}

test('a read changed to a value that nobody wrote is rejected', (t) => {
  const property = fc.property(options, fc.nat(), (generated, chosen) => {
    const history = withRead([...generateHistory(generated)], chosen, 'impossible');
    if (history === null) return;
    const [violation] = judgeHistory(linesOf(history)).violations;
    t.true(violation?.rule === 'phantom-value' || violation?.rule === 'version-mismatch', violation?.rule);
  });
  fc.assert(property);
});

test('of one client alone, a read changed to any other value is rejected', (t) => {
  const alone = options.map((generated) => ({ ...generated, clients: 1, unknownShare: 0 }));
  const property = fc.property(alone, fc.nat(), fc.nat(), (generated, chosen, other) => {
    const history = [...generateHistory(generated)];
    const values = history.filter(({ f }) => f === 'put').map(({ a }) => (a as { v: string }).v);
    const value = values[other % Math.max(1, values.length)];
    const changed = value === undefined ? null : withRead(history, chosen, value);
    if (changed === null || JSON.stringify(changed) === JSON.stringify(history)) return;
    t.is(judgeHistory(linesOf(changed)).verdict, 'violation');
  });
  fc.assert(property);
});

test('a contradiction in a long history is shown by the few operations it needs', (t) => {
  const generated = [...generateHistory({ seed: 7, operations: 5000, clients: 8, keys: 2 })];
  const end = Math.max(...generated.map(({ ret }) => ret ?? 0));
  // Two writes of each of two values, and two reads after all of them: only the search finds that.
  const twice: readonly Written[] = [
    ...['x', 'x', 'y', 'y'].map((v) => ({ f: 'put', k: 'k0', a: { v }, call: end + 10, ret: end + 20 })),
    ...['x', 'y'].map((v, i) => ({ f: 'get', k: 'k0', call: end + 30 + 10 * i, ret: end + 35 + 10 * i, o: { v } })),
  ];
  const [violation] = judgeHistory(linesOf([...generated, ...twice])).violations;
  t.is(violation?.rule, 'not-linearizable');
  t.true((violation?.operations.length ?? 0) <= 6);
  t.regex(violation?.why ?? '', /^Whatever the key held before/);
});

test('a search that is given up is undecided, never a pass', (t) => {
  const { verdict, undecided, violations } = judgeHistory(hopeless(), { maxSteps: 0 });
  t.is(verdict, 'undecided');
  t.deepEqual(undecided, ['k']);
  t.deepEqual(violations, []);
});

/** Increments of unknown fate, all different, whose sums never come to what is read. */
function hopeless(): string[] {
  const increments = Array.from({ length: 20 }, (_, i) => ({ f: 'incr', a: { by: 3 ** i * 2 }, call: 0 }));
  return linesOf([...increments, { f: 'del', call: 0 }, { f: 'get', call: 10, ret: 20, o: { v: '1' } }]);
}
