/** Tests without add-ons: every process and thread of such a run refuses them, and says so. */
import test from 'ava';
import { areAddonsRefused, loadedAddons } from '../../native-free-bench/addons.ts';
import { runSuite, verdictOf } from '../../native-free-bench/suite.ts';

const innocent = { process: 1, thread: 0, addonsRefused: true, addons: [] };

test('add-ons are refused here exactly when the environment says so', (t) => {
  const isNativeFree = (process.env.NODE_OPTIONS ?? '').includes('--no-addons');
  t.is(areAddonsRefused(), isNativeFree);
  if (isNativeFree) t.deepEqual(loadedAddons(), []);
});

test('a run of one test file: ava and its worker thread have told, and had nothing loaded', async (t) => {
  const outcome = await runSuite(['test/base/mix.test.ts'], 'ignore');
  const { isGood, text } = verdictOf(outcome);
  t.true(isGood, text);
  t.true(outcome.testimonies.some(({ thread }) => thread === 0));
  t.true(outcome.testimonies.some(({ thread }) => thread > 0));
});

test('a failed test, an add-on, add-ons allowed and no witness at all are not good', (t) => {
  const addon = '/somewhere/nice.node';
  t.true(verdictOf({ exitCode: 0, testimonies: [innocent] }).isGood);
  t.false(verdictOf({ exitCode: 1, testimonies: [innocent] }).isGood);
  t.false(verdictOf({ exitCode: 0, testimonies: [] }).isGood);
  t.false(verdictOf({ exitCode: 0, testimonies: [innocent, { ...innocent, addonsRefused: false }] }).isGood);
  const guilty = verdictOf({ exitCode: 0, testimonies: [innocent, { ...innocent, thread: 3, addons: [addon] }] });
  t.false(guilty.isGood);
  t.regex(guilty.text, /^1 processes and 1 worker threads .* 1 were not free of add-ons: \/somewhere\/nice\.node/);
});
