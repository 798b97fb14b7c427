/** The table and the JSON of a report. */
import test from 'ava';
import { cases } from '../../../tools/bench/cases.ts';
import { type CaseResult, type Report, toJson, toMarkdown } from '../../../tools/bench/report.ts';
import { rate, round, roundTrip } from './support.ts';

const machine = {
  cores: 2,
  processor: 'A Processor',
  memoryBytes: 8e9,
  system: 'Linux 6',
  node: 'v24.0.0',
  load: 0.25,
};

function reportOf(results: readonly CaseResult[], against: string | null = null): Report {
  const startedAt = '2026-01-02T03:04:05.678Z';
  return { startedAt, machine, seconds: 1, pairs: 2, keys: 100_000, isProfiled: false, against, results };
}

function caseNamed(name: string): CaseResult['benchCase'] {
  const found = cases.find((one) => one.name === name);
  if (found === undefined) throw new RangeError(name);
  return found;
}

function rowOf(report: Report, name: string): string[] {
  const line = toMarkdown(report)
    .split('\n')
    .find((text) => text.startsWith(`| ${name} |`));
  return (line ?? '').split('|').map((cell) => cell.trim());
}

test('a row of rates', (t) => {
  const rounds = [round(rate(600_000), rate(1_000_000)), round(rate(400_000), rate(1_000_000))];
  const row = rowOf(reportOf([{ benchCase: caseNamed('get-64'), rounds }]), 'get-64');
  const cpu = '1.50 + 2.25';
  t.deepEqual(row.slice(1, -1), [
    'get-64',
    '500,000/s',
    '1,000,000/s',
    '0.50 (0.40–0.60)',
    '≥ 0.55',
    'short',
    cpu,
    cpu,
  ]);
});

test('a row of round trips', (t) => {
  const rounds = [round(roundTrip(44), roundTrip(40))];
  const row = rowOf(reportOf([{ benchCase: caseNamed('get-1'), rounds }]), 'get-1');
  t.deepEqual(row.slice(1, 7), ['get-1', '44.0 µs (p99 88)', '40.0 µs (p99 80)', '1.10 (1.10–1.10)', '≤ 1.25', 'ok']);
});

test('another checkout has two more columns', (t) => {
  const rounds = [round(rate(300), rate(1000), rate(200))];
  const row = rowOf(reportOf([{ benchCase: caseNamed('put-512'), rounds }], '/other'), 'put-512');
  t.deepEqual(row.slice(4, 9), ['0.30 (0.30–0.30)', '', '', '0.20 (0.20–0.20)', '1.50 (1.50–1.50)']);
});

test('all rows have as many cells as the heading, and the machine is named', (t) => {
  const rounds = [round(rate(1), rate(2))];
  const text = toMarkdown(reportOf([{ benchCase: caseNamed('mix-64'), rounds }]));
  const widths = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').length);
  t.is(new Set(widths).size, 1);
  t.regex(
    text,
    /^2 cores \(A Processor\), Node\.js v24\.0\.0, Linux 6\. Other processes kept 0\.13 \(at most 0\.13\) of the cores busy meanwhile, the host took 0\.06 \(at most 0\.06\)\./,
  );
});

test('a profiled run says that it does not count', (t) => {
  t.notRegex(toMarkdown(reportOf([])), /do not count/);
  t.regex(toMarkdown({ ...reportOf([]), isProfiled: true }), /do not count/);
});

test('the JSON has the raw runs', (t) => {
  const rounds = [round(rate(600), rate(1000))];
  const json = JSON.parse(JSON.stringify(toJson(reportOf([{ benchCase: caseNamed('put-64'), rounds }]))));
  t.like(json.results[0], { name: 'put-64', echoFrameBytes: 75, rounds, summary: { verdict: 'ok' } });
  t.deepEqual(json.machine, machine);
});
