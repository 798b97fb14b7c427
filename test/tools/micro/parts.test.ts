/** The parts of the micro bench that need no process: keys and values, options, pauses, what stands for a lack. */
import test from 'ava';
import { KEY_BYTES, keysOf, scattered } from '../../../tools/micro/data.ts';
import { GcWatch } from '../../../tools/micro/memory/gc-watch.ts';
import { measureRedis } from '../../../tools/micro/memory/redis.ts';
import { parseMicroOptions, UsageError } from '../../../tools/micro/options.ts';
import { pathGroups, pathsOf } from '../../../tools/micro/paths/groups.ts';
import { check } from '../../../tools/micro/paths/path.ts';
import { toMarkdown } from '../../../tools/micro/report.ts';

const machine = { cores: 2, processor: 'P', memoryBytes: 1, system: 'S', node: 'v1', load: 0.25 };

test('keys are distinct and 16 hexadecimal digits', (t) => {
  const bytes = keysOf(Uint32Array.from({ length: 20_000 }, (_, i) => i));
  const keys = Array.from({ length: 20_000 }, (_, i) =>
    Buffer.from(bytes.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)).toString('latin1'),
  );
  t.is(new Set(keys).size, 20_000);
  t.true(keys.every((key) => /^[0-9a-f]{16}$/.test(key)));
});

test('scattered numbers stay below their limit and meet most of it', (t) => {
  const numbers = scattered(10_000, 1000);
  t.true(numbers.every((number) => number < 1000));
  t.true(new Set(numbers).size > 990);
});

for (const group of pathGroups) {
  test(`${group}: its paths come to the right results, again and again`, (t) => {
    const paths = pathsOf(group, { keys: 100 });
    t.true(paths.length >= 2);
    for (const path of paths) for (let call = 0; call < 3; call++) t.notThrows(() => path.run(), path.name);
  });
}

test('a path that computes something wrong fails', (t) => {
  t.throws(() => check(1, 2, 'frames'), { message: 'frames: 1, not 2' });
});

test('options', (t) => {
  const { groups, subjects, sizes } = parseMicroOptions(['--only', 'redis,decoder', '--sizes', '10,20']);
  t.deepEqual({ groups, subjects, sizes }, { groups: ['decoder'], subjects: ['redis'], sizes: [10, 20] });
  for (const args of [['--only', 'disk'], ['--sizes', '1,0'], ['--seconds', '-1'], ['--rounds', '1.5'], ['--slow']]) {
    t.throws(() => parseMicroOptions(args), { instanceOf: UsageError });
  }
});

test('pauses: those between begin and end, and what of a time they take', async (t) => {
  const watch = new GcWatch();
  t.teardown(() => watch.close());
  watch.begin();
  const beginMs = performance.now();
  // A few megabytes of garbage: the young generation is collected more than once.
  let kept: number[] = [];
  for (let i = 0; i < 3000; i++) kept = Array.from({ length: 1000 }, (_, at) => at + i + 0.5);
  const endMs = performance.now();
  const pauses = await watch.end();
  t.is(kept.length, 1000);
  t.true(pauses.count > 0);
  t.true(pauses.medianMs <= pauses.maxMs && pauses.maxMs <= pauses.totalMs);
  t.is(watch.pausedMs(0, 1), 0);
  t.true(watch.pausedMs(beginMs, endMs + 1e6) > 0);
});

test.serial('where there is no redis-server the table says so', async (t) => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  process.env.PATH = '/there/is/no/such/folder';
  const absent = await measureRedis({ subject: 'redis', keys: 1234, seconds: 0 });
  const text = toMarkdown({ paths: [], memory: [absent] }, machine);
  t.true(text.includes('| redis-server | 1,234 | redis-server is not installed |'));
});
