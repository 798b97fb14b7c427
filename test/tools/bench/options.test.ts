/** The options of `npm run bench`. */
import { resolve } from 'node:path';
import test from 'ava';
import { cases } from '../../../tools/bench/cases.ts';
import { parseBenchOptions, UsageError } from '../../../tools/bench/options.ts';

test('defaults', (t) => {
  t.deepEqual(parseBenchOptions([]), {
    help: false,
    seconds: 1,
    warmUpSeconds: 8,
    pairs: 5,
    cases,
    keys: 100_000,
    port: 26_234,
    cpuProf: null,
    output: 'md',
    against: null,
  });
});

test('all of them', (t) => {
  const args =
    '--seconds 0.5 --warm-up 0.1 --pairs 9 --cases lock-64,get-1 --keys 10 --port 7000 --output json --against x --cpu-prof y';
  const options = parseBenchOptions(args.split(' '));
  t.deepEqual(
    options.cases.map(({ name }) => name),
    ['lock-64', 'get-1'],
  );
  t.like(options, { seconds: 0.5, warmUpSeconds: 0.1, pairs: 9, keys: 10, port: 7000, output: 'json' });
  t.like(options, { against: resolve('x'), cpuProf: resolve('y') });
});

for (const args of [
  ['--seconds', '0'],
  ['--seconds', '-1'],
  ['--seconds='],
  ['--warm-up', '0'],
  ['--pairs', '1.5'],
  ['--cases', 'get-2'],
  ['--keys', '0'],
  ['--port', '65536'],
  ['--output', 'csv'],
  ['--pears', '5'],
  ['get-1'],
]) {
  test(`refuses ${args.join(' ')}`, (t) => {
    t.throws(() => parseBenchOptions(args), { instanceOf: UsageError });
  });
}
