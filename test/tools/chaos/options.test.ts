/** The command line of the chaos tool. */
import test from 'ava';
import { parseChaosOptions } from '../../../tools/chaos/options.ts';

test('without options: what must be shown', async (t) => {
  const options = await parseChaosOptions([]);
  t.deepEqual(options?.scenarios, ['faults']);
  t.is(options?.nodes, 5);
  t.true((options?.rate ?? 0) >= 5000);
  t.deepEqual([options?.kills, options?.pauses, options?.partitions], [100, 30, 30]);
});

test('scenarios by name, and all of them', async (t) => {
  t.deepEqual((await parseChaosOptions(['--scenario', 'stale-reads,faults']))?.scenarios, ['stale-reads', 'faults']);
  t.is((await parseChaosOptions(['--scenario', 'all']))?.scenarios.length, 5);
});

for (const [args, message] of [
  [['--scenario', 'rain'], /--scenario: there is no 'rain'/],
  [['--nodes', '2'], /--nodes is a whole number from 3 to 20, not '2'/],
  [['--kills', 'many'], /--kills is a whole number/],
  [['--history'], /history/],
  [['--killz', '3'], /killz/],
  [['more'], /unexpected argument 'more'/],
] as const) {
  test(`refused: ${args.join(' ')}`, async (t) => {
    await t.throwsAsync(parseChaosOptions(args), { code: 'KV_USAGE', message });
  });
}
