import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Fairness } from '../../tools/bench/fairness-figures.ts';

const program = fileURLToPath(new URL('../../tools/bench/fairness.ts', import.meta.url));

test('says how often each loop had the lock, and how long it waited', (t) => {
  const figures = new Fairness(2);
  figures.seconds = 2;
  for (let section = 1; section <= 100; section += 1) figures.section(section % 5 === 0 ? 0 : 1, section);
  t.is(figures.ratio, 4);
  t.is(figures.quantile(0.5), 51);
  t.is(figures.quantile(0.99), 100);
  t.is(
    figures.text(),
    [
      '2 loops, one lock: 100 sections, 50 a second',
      'sections of a loop: 20 to 80, ratio 4.00',
      'wait: p50 51.00 ms, p99 100.00 ms, ratio 1.96',
    ].join('\n'),
  );
});

test('an option that cannot be is told', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [program, '--loops', '0'], { encoding: 'utf8' });
  t.is(status, 2);
  t.regex(stderr, /KV_USAGE.*--loops/);
});
