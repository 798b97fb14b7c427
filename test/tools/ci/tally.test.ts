/** Reading the numbers of a test run from its output. */
import test from 'ava';
import { tallySmoke, tallyTests } from '../../../tools/ci/tally.ts';

const before =
  '── 3/4: Architecture ──\n\n  ✔ the source was found\n  ─\n\n  11 tests passed\n── 4/4: Tests (ava) ──\n\n';

test('all passed', (t) => {
  const output = `${before}  ✔ a\n  ✔ b\n  ─\n\n  2 tests passed\n`;
  t.deepEqual(tallyTests(output, 0), { passed: 2, failed: 0, closing: ['  2 tests passed'] });
});

test('one passed, some skipped, in colour', (t) => {
  const output = `${before}  ✔ a\n  ─\n\n  \u001B[32m1 test passed\u001B[39m\n  2 tests skipped\n`;
  t.deepEqual(tallyTests(output, 0), { passed: 1, failed: 0, closing: ['  1 test passed', '  2 tests skipped'] });
});

test('some failed: the passed ones are counted', (t) => {
  const output = `${before}  ✔ a\n  ✔ b\n  ✘ [fail]: c\n  ─\n\n  c\n\n  1 test failed\n  1 uncaught exception\n`;
  t.deepEqual(tallyTests(output, 1), {
    passed: 2,
    failed: 2,
    closing: ['  1 test failed', '  1 uncaught exception'],
  });
});

test('an earlier stage failed', (t) => {
  t.deepEqual(tallyTests('── 1/4: Format and lint (biome) ──\n\nFound 3 errors.\n', 1), {
    passed: 0,
    failed: 1,
    closing: [],
  });
});

test('what cannot be read is a failure', (t) => {
  t.is(tallyTests('', 0).failed, 1);
  t.is(tallyTests(`${before}  3 tests were fine\n`, 0).failed, 1);
  t.is(tallyTests(`${before}  3 tests passed\n`, 1).failed, 1, 'ends with an error nevertheless');
  t.is(tallySmoke('', 0).failed, 1);
  t.is(tallySmoke('  ✔ a\n', 124).failed, 1, 'timed out');
});

test('smoke checks', (t) => {
  t.deepEqual(tallySmoke('  ✔ a\n  ✔ b\n', 0), { passed: 2, failed: 0, closing: [] });
  t.deepEqual(tallySmoke('  ✔ a\n  ✘ b: no\n', 1), { passed: 1, failed: 1, closing: [] });
});
