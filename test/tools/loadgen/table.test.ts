/** A report as text. */
import test from 'ava';
import type { Report } from '../../../tools/loadgen/report.ts';
import { reportText } from '../../../tools/loadgen/table.ts';

const quiet: Report = {
  seed: 7,
  threads: 2,
  loops: 64,
  seconds: 10,
  operations: 1_234_567,
  perSecond: 123_456.7,
  kinds: [
    {
      kind: 'get',
      operations: 1_234_560,
      perSecond: 123_456,
      refused: 0,
      meanMicros: 130,
      p50Micros: 123.4,
      p99Micros: 4560,
      p999Micros: 78_900,
      maxMicros: 1_234_000,
    },
    {
      kind: 'cas',
      operations: 7,
      perSecond: 0.7,
      refused: 3,
      meanMicros: 130,
      p50Micros: 123.4,
      p99Micros: 123.4,
      p999Micros: 123.4,
      maxMicros: 123.4,
    },
  ],
  errors: [],
  cpuMicrosPerOperation: { client: 3.14, nodes: null },
  increments: null,
  history: null,
};

test('columns stand below their heads', (t) => {
  t.is(
    reportText(quiet),
    `operation       count     ops/s   p50 ms   p99 ms   p99.9 ms   max ms   refused
get         1,234,560   123,456    0.123     4.56       78.9    1,234         0
cas                 7         1    0.123    0.123      0.123    0.123         3
all         1,234,567   123,457

errors: 0

CPU per operation: client 3.1 µs, nodes unknown
10.0 s, 2 threads of 64 loops, seed 7`,
  );
});

test('errors by code, increments and the history', (t) => {
  const text = reportText({
    ...quiet,
    errors: [{ kind: 'put', code: 'KV_NO_QUORUM', count: 1200, message: 'too few replicas' }],
    increments: { underLock: 1000, byCas: 500, unknown: 2, lost: 1, surplus: 3, unread: 1 },
    history: 'run.ndjson',
  });
  for (const line of [
    'errors: 1,200',
    '  1,200 × KV_NO_QUORUM on put, first: too few replicas',
    'history: run.ndjson',
    'increments: 1,500 acknowledged (1,000 under a lock, 500 by compare-and-set), 2 of unknown outcome',
    'lost updates: 1',
    'increments that nobody made: 3',
    'not checked: 1 counter could not be read',
  ]) {
    t.true(text.split('\n').includes(line), line);
  }
});
