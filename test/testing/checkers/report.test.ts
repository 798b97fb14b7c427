import test from 'ava';
import { formatVerdict, judgeHistory } from '../../../src/testing/checkers/index.ts';
import { linesOf, type Written } from './support/lines.ts';

test('a verdict shows the rule, the operations that break it, why, and what was judged', (t) => {
  const lines = linesOf([
    { f: 'put', p: 'c1', k: 'x', a: { v: 'a' }, call: 0, ret: 1_000_000 },
    { f: 'put', p: 'c2', k: 'x', a: { v: 'b' }, call: 2_000_000, ret: 3_000_000 },
    { f: 'get', p: 'c3', k: 'x', call: 4_000_000, ret: 5_600_000, o: { v: 'a' } },
    { f: 'put', p: 'c4', k: 'y', a: { v: 'c' }, call: 0 },
  ]);
  t.is(
    formatVerdict(judgeHistory(lines)),
    `history: VIOLATION on 1 key, 4 operations on 2 keys

register "x": stale-read. A value was read although it had been overwritten before the read began.
        client   sent ms  answered ms  asked    answer
  id 1  c1      0.000000     1.000000  put "a"  ok      line 2
  id 2  c2      2.000000     3.000000  put "b"  ok      line 4
  id 3  c3      4.000000     5.600000  get      "a"     line 6
  Why: c3's get (id 3) found "a", but c2's put "b" (id 2) had overwritten it and was answered before: the answer is old, or the old write was applied again.

  operation  calls  ok  fail  unknown
  get            1   1     0        0
  put            3   2     0        1
  all            4   3     0        1
  2 keys, 4 clients, 0.006 s of history, 25.00 % unknown`,
  );
});

test('a history that is right takes one line and the table', (t) => {
  const text = formatVerdict(judgeHistory(linesOf([{ f: 'get', call: 0, ret: 1, o: { v: null } }])));
  t.is(text.split('\n')[0], 'history: linearizable, 1 operation on 1 key');
});

test('of many broken keys ten are told, the others named', (t) => {
  const keys = Array.from({ length: 12 }, (_, i) => `key ${i}`);
  const phantoms = keys.map((k): Written => ({ f: 'get', k, call: 0, ret: 1, o: { v: 'x' } }));
  const text = formatVerdict(judgeHistory(linesOf(phantoms)));
  t.is(text.match(/Why:/g)?.length, 10);
  t.regex(text, /Also broken:\n {2}"key 10" {2}phantom-value\n {2}"key 11" {2}phantom-value/);
});
