import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Fairness } from '../../tools/bench/fairness-figures.ts';

const program = fileURLToPath(new URL('../../tools/bench/fairness.ts', import.meta.url));

test('says how often each loop had the lock, and how long it waited', (t) => {
  const figures = new Fairness(2);
  figures.seconds = 2;
  figures.stolen.push(0.009, 0.291);
  for (let section = 1; section <= 100; section += 1) {
    const second = section <= 50 ? 0 : 1;
    figures.section(section % 5 === 0 ? 0 : 1, { waitedMs: section, others: section % 5 === 0 ? 4 : 1, second });
  }
  t.deepEqual(figures.text().split('\n'), [
    '2 loops, one lock: 100 sections, 50 a second',
    'sections of a loop: 20 to 80, ratio 4.00',
    'sections of others in a wait: p50 1.0, p99 4.0, ratio 4.00',
    'wait in ms: p50 51.0, p99 100.0, ratio 1.96',
    'the host took 15.0 % of the processors; in the 1 of 2 s with at most 1 %: wait in ms p50 26.0, p99 50.0, ratio 1.92',
  ]);
});

test('says so when the host never left the processors alone', (t) => {
  const figures = new Fairness(1);
  figures.stolen.push(0.02);
  figures.section(0, { waitedMs: 1, others: 1, second: 0 });
  t.regex(figures.text(), /the host took 2\.0 % of the processors, and more than 1 % in every second$/);
});

test('an option that cannot be is told', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [program, '--loops', '0'], { encoding: 'utf8' });
  t.is(status, 2);
  t.regex(stderr, /KV_USAGE.*--loops/);
});
