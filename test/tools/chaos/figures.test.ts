/** The arithmetic behind the report: what was seen, what was lost, which faults come, what counts as a failure. */
import test from 'ava';
import { Prng } from '../../../src/base/prng.ts';
import { addLosses, Bookkeeping } from '../../../tools/chaos/bookkeeping.ts';
import { evenKeys } from '../../../tools/chaos/even-keys.ts';
import { planFaults } from '../../../tools/chaos/faults.ts';
import type { Incident } from '../../../tools/chaos/injector.ts';
import type { LoadEnd } from '../../../tools/chaos/load.ts';
import { type FaultsReport, failoverRows, faultsOutcome, kindRows } from '../../../tools/chaos/report.ts';
import { Sightings } from '../../../tools/chaos/sightings.ts';
import { percentile, spreadOf } from '../../../tools/chaos/spread.ts';
import { tableText } from '../../../tools/chaos/table.ts';
import { partitionOfKey } from '../../../tools/chaos/watched-requests.ts';
import { dataKey } from '../../../tools/loadgen/keys.ts';

test('percentiles by nearest rank; what never came is the longest', (t) => {
  const numbers = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.deepEqual(spreadOf(numbers), { count: 100, p50: 50, p99: 99, max: 100 });
  t.is(percentile([7], 1), 7);
  t.is(percentile([3, Number.POSITIVE_INFINITY, 1], 50), 3);
  t.is(percentile([3, Number.POSITIVE_INFINITY, 1], 99), Number.POSITIVE_INFINITY);
  t.true(Number.isNaN(percentile([], 50)));
});

test('the first success counts only if its request was sent behind the mark', (t) => {
  const sightings = Sightings.forPartitions(4);
  sightings.succeeded(2, 10, 20);
  sightings.mark(100);
  t.is(sightings.firstSuccessNs(2), null);
  sightings.succeeded(2, 90, 110);
  t.is(sightings.firstSuccessNs(2), null);
  sightings.succeeded(2, 150, 700);
  sightings.succeeded(2, 160, 800);
  t.is(sightings.firstSuccessNs(2), 600);
  t.is(sightings.firstSuccessNs(3), null);
  t.deepEqual(sightings.seen, [2]);
  sightings.mark(1000);
  t.is(sightings.firstSuccessNs(2), null);
});

test('the longest gap is counted from the mark, and up to now while it lasts', (t) => {
  const sightings = Sightings.forPartitions(2);
  sightings.succeeded(1, 0, 10);
  sightings.mark(500);
  sightings.succeeded(1, 500, 600);
  sightings.succeeded(1, 600, 900);
  sightings.succeeded(1, 900, 950);
  t.is(sightings.longestGapNs(1, 1000), 300);
  t.is(sightings.longestGapNs(1, 2000), 1050);
  t.is(sightings.longestGapNs(0, 2000), 1500);
  t.deepEqual(sightings.longestGap(1, 1000), { ns: 300, endNs: 400 });
  t.deepEqual(sightings.longestGap(1, 2000), { ns: 1050, endNs: 1500 });
});

test('both sides of the shared memory see the same', (t) => {
  const main = Sightings.forPartitions(8);
  const thread = new Sightings(main.buffer);
  t.is(thread.partitions, 8);
  thread.succeeded(7, 1, 2);
  thread.failed(true);
  thread.failed(false);
  thread.failed(false);
  t.deepEqual(main.totals, { succeeded: 1, refused: 2, unknown: 1 });
});

test('a key that ends below an acknowledged revision has lost a write', (t) => {
  const books = new Bookkeeping();
  books.wrote('a', 7n);
  books.wrote('a', 5n);
  books.wrote('b', 7n);
  books.wrote('c', 7n);
  t.deepEqual(books.registers, ['a', 'b', 'c']);
  books.readRegister('a', 7n);
  books.readRegister('b', 6n);
  books.readRegister('c', 0n);
  t.deepEqual(books.losses, { keys: 3, unread: 0, lost: 2, doubled: 0, tokens: 0 });
});

test('increments: fewer than acknowledged are lost, more than were sent are doubled', (t) => {
  const books = new Bookkeeping();
  for (const key of ['a', 'b', 'c', 'd']) Object.assign(books.increments(key), { acknowledged: 10, unknown: 2 });
  books.readCounter('a', 12);
  books.readCounter('b', 7);
  books.readCounter('c', 13);
  books.readCounter('d', null);
  t.deepEqual(books.losses, { keys: 4, unread: 1, lost: 3, doubled: 1, tokens: 0 });
});

test('the token of a lock has to grow', (t) => {
  const books = new Bookkeeping();
  books.locked('a', 3n);
  books.locked('b', 3n);
  books.readLock('a', 3n);
  books.readLock('b', 4n);
  t.is(books.losses.tokens, 1);
  t.deepEqual(addLosses([books.losses, books.losses]), { keys: 4, unread: 0, lost: 0, doubled: 0, tokens: 2 });
});

test('a plan has all faults that were asked for, and the same for the same seed', (t) => {
  const counts = { kills: 100, pauses: 30, partitions: 30, nuisances: 2 };
  const plan = planFaults(counts, new Prng(5));
  const number = (pattern: RegExp): number => plan.filter(({ kind }) => pattern.test(kind)).length;
  t.is(number(/^kill/), 100);
  t.is(number(/^pause/), 30);
  t.is(number(/partition|cut off/), 30);
  t.deepEqual([number(/delay/), number(/clog/), number(/reset/)], [2, 2, 2]);
  t.true(number(/kill of the commander/) > 10);
  t.true(number(/one-way/) > 0 && number(/full/) > 0);
  for (const { kind, lastsMs } of plan) if (kind === 'pause') t.true(lastsMs >= 700 && lastsMs <= 5000);
  t.deepEqual(planFaults(counts, new Prng(5)), plan);
  t.notDeepEqual(planFaults(counts, new Prng(6)), plan);
});

const incident: Incident = {
  kind: 'kill of a primary',
  node: '127.0.1.11:1',
  primaryOf: 2,
  hitCommander: false,
  forgot: false,
  failoversMs: [],
  longestGapMs: 0,
  longestGapAt: { partition: 0, endMs: 0 },
  unknown: 0,
  obstacle: null,
};

const end: LoadEnd = {
  losses: [{ keys: 9, unread: 0, lost: 0, doubled: 0, tokens: 0 }],
  histories: ['h-1'],
  errors: [],
  totals: { succeeded: 940, refused: 10, unknown: 50 },
  seconds: 1,
};

const good: FaultsReport = {
  planned: 1,
  incidents: [{ ...incident, failoversMs: [500, 700] }],
  end,
  judgements: [{ history: 'h-1', verdict: 'linearizable', violations: [] }],
  complaints: [],
};

test('failovers are told apart by whether the commander was killed; the slowest partition of each kill counts', (t) => {
  const incidents = [
    { ...incident, failoversMs: [500, 700] },
    { ...incident, failoversMs: [600] },
    { ...incident, hitCommander: true, failoversMs: [900, Number.POSITIVE_INFINITY] },
    { ...incident, kind: 'pause' as const },
  ];
  const [plain, commander] = failoverRows(incidents);
  t.is(plain?.kills, 2);
  t.deepEqual(plain?.partitionsMs, { count: 3, p50: 600, p99: 700, max: 700 });
  t.deepEqual(plain?.slowestMs, { count: 2, p50: 600, p99: 700, max: 700 });
  t.deepEqual(commander?.slowestMs.max, Number.POSITIVE_INFINITY);
});

test('faults by kind', (t) => {
  const rows = kindRows([
    { ...incident, longestGapMs: 10, unknown: 1 },
    { ...incident, longestGapMs: 30, unknown: 2, hitCommander: true, obstacle: 'x' },
    { ...incident, kind: 'pause', primaryOf: 0 },
  ]);
  t.deepEqual(
    rows.map(({ kind }) => kind),
    ['kill of a primary', 'pause'],
  );
  const [kill, pause] = rows;
  t.deepEqual([kill?.count, kill?.hitPrimary, kill?.hitCommander, kill?.unknown, kill?.stuck], [2, 2, 1, 3, 1]);
  t.is(kill?.gapsMs.max, 30);
  t.is(pause?.hitPrimary, 0);
});

test('a run passes only if nothing was lost, nothing is wrong and little is unknown', (t) => {
  t.deepEqual(faultsOutcome(good).failures, []);
  const failures = (change: Partial<FaultsReport>): number => faultsOutcome({ ...good, ...change }).failures.length;
  const losing = (losses: object): Partial<FaultsReport> => ({
    end: { ...end, losses: [{ keys: 9, unread: 0, lost: 0, doubled: 0, tokens: 0, ...losses }] },
  });
  for (const loss of ['lost', 'doubled', 'tokens', 'unread']) t.is(failures(losing({ [loss]: 1 })), 1, loss);
  t.is(failures({ end: { ...end, totals: { succeeded: 940, refused: 9, unknown: 51 } } }), 1);
  t.is(failures({ planned: 2 }), 1);
  t.is(failures({ incidents: [{ ...incident, obstacle: 'a node is down' }] }), 1);
  t.is(failures({ complaints: ['uncaught'] }), 1);
  t.is(failures({ judgements: [{ history: 'h-1', verdict: 'undecided', violations: [] }] }), 1);
  t.is(failures({ judgements: [{ history: 'h-1', verdict: 'violation', violations: ['register k: stale'] }] }), 1);
});

test('every partition has as many keys as the others, or one more', (t) => {
  const chosen = evenKeys(1000, 200, 64);
  t.is(new Set(chosen).size, 200);
  t.true(Math.min(...chosen) >= 1000);
  const counts = new Array(64).fill(0);
  for (const index of chosen) counts[partitionOfKey(dataKey(index), 64)] += 1;
  t.deepEqual([Math.min(...counts), Math.max(...counts)], [3, 4]);
  t.is(evenKeys(0, 5, 64).length, 5);
});

test('tables are aligned', (t) => {
  t.is(
    tableText(
      ['name', 'n'],
      [
        ['a', '10'],
        ['longer', '7'],
      ],
    ),
    'name      n\na        10\nlonger    7',
  );
});
