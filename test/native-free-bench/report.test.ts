/** What is said about figures that are known. */
import test from 'ava';
import { parseNativeFreeOptions, UsageError } from '../../native-free-bench/options.ts';
import { conclusion, sizeText, toMarkdown } from '../../native-free-bench/report.ts';
import type { Comparison } from '../../native-free-bench/run.ts';

const machine = { cores: 2, processor: 'P', memoryBytes: 1, system: 'S', node: 'v1', load: 0.25 };

function comparison(path: string, payloadBytes: number, first: number, second: number): Comparison {
  const spread = (median: number): { median: number; min: number; max: number } => {
    return { median, min: median / 2, max: median * 2 };
  };
  const ratios = { 'WS_NO_BUFFER_UTIL=1': spread(first), '--no-addons': spread(second) };
  return { path, payloadBytes, nanos: spread(1500), ratios };
}

const echoes = [
  comparison('echo', 64, 1.5, 1),
  comparison('echo', 256, 1.1, 1),
  comparison('echo', 1024, 2, 1.05),
  comparison('echo', 4096, 4, 1.1),
];
const own = [comparison('decode a frame', 0, 0.98, 1.02)];

test('the conclusion names the size from which on all savings are worth it', (t) => {
  const text = conclusion([...own, ...echoes]);
  t.regex(text, /Against WS_NO_BUFFER_UTIL=1 .* more than 10 % .* from 1 KiB on \(75 % at 4 KiB\)\./);
  t.regex(text, /Against --no-addons the add-on does not save 10 % .* at the largest size\./);
  t.regex(text, /own paths take 1\.00 times as long \(least–greatest path: 0\.98–1\.02\) without add-ons/);
});

test('the tables have a row for each size, each own path and each mode', (t) => {
  const masks = echoes.flatMap((echo) => [
    { ...echo, path: 'mask' },
    { ...echo, path: 'unmask' },
  ]);
  const proofs = [
    { mode: 'native add-ons', processes: 5, addons: ['/a/bufferutil.node'] },
    { mode: '--no-addons', processes: 5, addons: [] },
  ];
  const text = toMarkdown({ proofs, comparisons: [...masks, ...echoes, ...own] }, machine);
  t.true(text.includes('| native add-ons | 5 | bufferutil.node |'));
  t.true(text.includes('| --no-addons | 5 | none |'));
  t.regex(text, /\| 4 KiB \| 4\.00 \(2\.00–8\.00\) \|.*\| 1\.5 \|/);
  t.regex(text, /\| decode a frame \| 0\.98 \(0\.49–1\.96\) \| 1\.02 \(0\.51–2\.04\) \| 1500\.0 \|/);
});

test('sizes as text', (t) => {
  t.deepEqual([16, 1000, 1024, 65_536, 2 ** 20].map(sizeText), ['16 B', '1000 B', '1 KiB', '64 KiB', '1 MiB']);
});

test('options', (t) => {
  const { sizes, rounds, suite, files } = parseNativeFreeOptions(['--suite', 'a.test.ts', '--sizes', '1,2']);
  t.deepEqual({ sizes, rounds, suite, files }, { sizes: [1, 2], rounds: 5, suite: true, files: ['a.test.ts'] });
  for (const args of [['--sizes', '0'], ['--seconds', '0'], ['--rounds', 'x'], ['a.test.ts'], ['--fast']]) {
    t.throws(() => parseNativeFreeOptions(args), { instanceOf: UsageError });
  }
});
