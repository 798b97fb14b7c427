/** The options of the load generator. */
import test from 'ava';
import { KeyvalError } from '../../../src/errors.ts';
import { parseCommandLine } from '../../../tools/loadgen/options.ts';

test('defaults', async (t) => {
  t.like(await parseCommandLine(['--seed', '7']), {
    endpoints: ['127.0.0.1:6234'],
    cluster: 'keyval',
    secret: null,
    threads: 1,
    loops: 64,
    seconds: 10,
    ops: Number.POSITIVE_INFINITY,
    keys: 10_000,
    valueBytes: 64,
    mix: [
      ['get', 80],
      ['put', 15],
      ['lock', 5],
    ],
    zipf: 0,
    rate: Number.POSITIVE_INFINITY,
    seed: 7,
    verify: false,
    history: null,
    output: 'table',
  });
});

test('endpoints, sizes and forms', async (t) => {
  const args = '--endpoints 127.0.0.1,[::1]:7000 --value-bytes 1M --rate 0.5 --zipf 0.99 --output json --verify'.split(
    ' ',
  );
  t.like(await parseCommandLine(args), {
    endpoints: ['127.0.0.1:6234', '[::1]:7000'],
    valueBytes: 1024 * 1024,
    rate: 0.5,
    zipf: 0.99,
    output: 'json',
    verify: true,
  });
});

test('without --seconds, --ops says when it ends', async (t) => {
  t.like(await parseCommandLine(['--ops', '1000000']), { ops: 1_000_000, seconds: Number.POSITIVE_INFINITY });
  t.like(await parseCommandLine(['--ops', '5', '--seconds', '3']), { ops: 5, seconds: 3 });
  t.like(await parseCommandLine(['--seconds', 'Infinity']), { seconds: Number.POSITIVE_INFINITY });
});

test('seeds differ from run to run', async (t) => {
  const [one, other] = await Promise.all([parseCommandLine([]), parseCommandLine([])]);
  t.not(one?.seed, other?.seed);
});

const wrong: readonly (readonly [args: string, message: RegExp])[] = [
  ['--threads 0', /--threads is a whole number from 1 to 64, not '0'/],
  ['--threads two', /--threads is .* not 'two'/],
  ['--loops 1.5', /--loops is .* not '1.5'/],
  ['--keys 0', /--keys is .* not '0'/],
  ['--value-bytes 0', /--value-bytes is from 1 to/],
  ['--value-bytes 65M', /--value-bytes is from 1 to 67108864/],
  ['--seconds 0', /--seconds is a number above 0/],
  ['--seconds -1', /--seconds is a number from 0 to .* not '-1'/],
  ['--seconds', /--seconds needs a value/],
  ['--ops 0', /--ops is a whole number, 1 or more/],
  ['--rate 0', /--rate is a number above 0/],
  ['--rate fast', /--rate is .* not 'fast'/],
  ['--zipf 11', /--zipf is a number from 0 to 10, not '11'/],
  ['--seed -1', /--seed is .* not '-1'/],
  ['--mix get', /--mix: 'get' needs a weight/],
  ['--endpoints 1.2.3', /'1.2.3' is no endpoint/],
  ['--output xml', /--output is table, json, not 'xml'/],
  ['--secret-file /nonexistent', /--secret-file: .*\/nonexistent/],
  ['--history h --value-bytes 8', /--history needs values that differ/],
  ['--thread 2', /unknown option --thread; did you mean --threads\?/],
  ['extra', /unexpected argument 'extra'/],
];

for (const [args, message] of wrong) {
  test(`refuses ${args}`, async (t) => {
    const error = await t.throwsAsync(parseCommandLine(args.split(' ')), { instanceOf: KeyvalError, message });
    t.is(error.code, 'KV_USAGE');
    t.false(error.message.includes('\n'));
  });
}
