import test from 'ava';
import { Progress, progressText, summaryText } from '../../../src/cli/bulk/progress.ts';

test('the line', (t) => {
  const figures = { rows: 150_000, failed: 2, done: 5_000_000, total: 10_000_000, unit: 'bytes' as const };
  t.is(
    progressText('import', figures, 1234.4, 61_000),
    'import [######......] 50 %  4.8 MiB of 9.5 MiB  150,000 rows  1,234 rows/s  2 failed  1m 1s left',
  );
  t.is(
    progressText('import', { ...figures, total: 0, failed: 0 }, 10, null),
    'import  4.8 MiB  150,000 rows  10 rows/s',
  );
  t.is(
    progressText('export', { ...figures, failed: 0, done: 256, total: 256, unit: 'partitions' }, 0, 0),
    'export [############] 100 %  150,000 rows  0 rows/s  0s left',
  );
  t.is(summaryText(300_000, 2400), '300,000 rows in 2.4 s (125,000 rows/s)');
});

test('on a terminal notes stand above the line; elsewhere there is none', (t) => {
  const figures = { rows: 0, failed: 0, done: 0, total: 0, unit: 'bytes' as const };
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    {
      using progress = new Progress('import', figures, { isTTY, columns: 20, write: (text) => written.push(text) });
      progress.note('line 1: wrong');
    }
    const erase = '\r\u001b[K';
    const shown = [`${erase}import  0 B  0 rows`, `${erase}line 1: wrong\n`, erase];
    t.deepEqual(written, isTTY ? shown : ['line 1: wrong\n']);
  }
});
