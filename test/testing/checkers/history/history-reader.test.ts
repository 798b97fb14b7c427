import test from 'ava';
import { KeyvalError } from '../../../../src/errors.ts';
import { readHistory } from '../../../../src/testing/checkers/history/history-reader.ts';
import { linesOf } from '../support/lines.ts';

const META = '{"t":"meta","fmt":"kvh/1"}';
const CALL = '{"t":"call","id":1,"p":"c","ts":5,"f":"get","k":"k"}';
const RET = '{"t":"ret","id":1,"ts":9,"r":"ok","o":{"v":"a"}}';

function call(fields: object): string {
  return JSON.stringify({ t: 'call', id: 1, p: 'c', ts: 5, k: 'k', ...fields });
}

function ret(fields: object): string {
  return JSON.stringify({ t: 'ret', id: 1, ts: 9, r: 'ok', ...fields });
}

test('a call and its ret become one operation', (t) => {
  const { operations } = readHistory([META, CALL, RET], 'h');
  t.is(operations.length, 1);
  const [get] = operations;
  t.like(get, {
    id: 1,
    client: 'c',
    kind: 'get',
    key: 'k',
    level: 'lin',
    line: 2,
    call: 5,
    ret: 9,
    outcome: 'ok',
    found: 'a',
  });
});

test('the order of lines does not matter, empty lines and notes do not count', (t) => {
  const { operations, meta } = readHistory(
    [RET, '', '{"t":"note","crash":"n1"}', CALL, '{"t":"meta","fmt":"kvh/1","late":7}'],
    'h',
  );
  t.like(operations[0], { outcome: 'ok', found: 'a', line: 4 });
  t.is(meta.lateNs, 7);
});

test('an operation without a ret, and one answered unknown, may take effect for ever', (t) => {
  const unanswered = linesOf([{ f: 'put', a: { v: 'x' }, call: 1 }]);
  const unknown = linesOf([{ f: 'put', a: { v: 'x' }, call: 1, ret: 3, r: 'unknown' }]);
  for (const lines of [unanswered, unknown]) {
    t.like(readHistory(lines, 'h').operations[0], { outcome: 'unknown', call: 1, ret: Number.POSITIVE_INFINITY });
  }
});

test('late bounds an unknown effect, skew widens every interval', (t) => {
  const lines = linesOf(
    [
      { f: 'put', a: { v: 'x' }, call: 100 },
      { f: 'get', call: 100, ret: 200, o: { v: null } },
    ],
    { late: 50, skew: 20 },
  );
  const [put, get] = readHistory(lines, 'h').operations;
  t.like(put, { call: 90, ret: 160, sentAt: 100, answeredAt: Number.POSITIVE_INFINITY });
  t.like(get, { call: 90, ret: 210, sentAt: 100, answeredAt: 200 });
});

test('the defaults without a meta line: one clock, no bound, nothing there', (t) => {
  const { meta } = readHistory([CALL], 'h');
  t.like(meta, { skewNs: 0, driftPpm: 0, lateNs: Number.POSITIVE_INFINITY, denyFree: false, ttlNs: undefined });
  t.is(meta.initial.size, 0);
});

const malformed: readonly [name: string, lines: readonly string[], message: RegExp][] = [
  ['no JSON', [CALL, '{"t":'], /^h:2: .*JSON/],
  ['no object', ['[1]'], /^h:1: the line must be an object$/],
  ['unknown type', ['{"t":"kall"}'], /^h:1: "t" is "kall"/],
  ['other format', ['{"t":"meta","fmt":"kvh/2"}'], /^h:1: "fmt" is "kvh\/2"/],
  ['two meta lines', [META, META], /^h:2: a second meta line$/],
  ['drift out of range', ['{"t":"meta","fmt":"kvh/1","driftPpm":1000000}'], /^h:1: "driftPpm"/],
  ['initial value no string', ['{"t":"meta","fmt":"kvh/1","init":{"a":1}}'], /^h:1: "a" is 1/],
  ['unknown operation', [call({ f: 'gett' })], /^h:1: "f" is "gett"/],
  ['unknown level', [call({ f: 'get', lvl: 'strict' })], /^h:1: "lvl" is "strict"/],
  ['id missing', ['{"t":"call","p":"c","ts":5,"f":"get","k":"k"}'], /^h:1: "id" is missing/],
  ['id used twice', [CALL, CALL], /^h:2: id 1 was called before/],
  ['stamp with a fraction', [call({ f: 'get', ts: 1.5 })], /^h:1: "ts" is 1.5/],
  ['key missing', [call({ f: 'get', k: undefined })], /^h:1: "k" is missing/],
  ['put without a value', [call({ f: 'put', a: {} })], /^h:1: "v" is missing/],
  ['put of null', [call({ f: 'put', a: { v: null } })], /^h:1: "v" is null/],
  ['negative ttl', [call({ f: 'put', a: { v: 'a', ttl: -1 } })], /^h:1: "ttl" is -1/],
  ['cas without a condition', [call({ f: 'cas', a: { to: 'b' } })], /^h:1: a cas needs "from" or "ver"$/],
  ['version with a sign', [call({ f: 'cas', a: { ver: '-1', to: 'b' } })], /^h:1: "ver" is "-1"/],
  ['release without a token', [call({ f: 'release', a: { s: 's' } })], /^h:1: "token" is missing/],
  ['unknown outcome', [CALL, ret({ r: 'timeout' })], /^h:2: "r" is "timeout"/],
  ['get that says nothing', [CALL, ret({ o: {} })], /^h:2: "v" is missing/],
  ['cas that says neither', [call({ f: 'cas', a: { from: null, to: 'b' } }), ret({ o: {} })], /^h:2: "ok" is missing/],
  [
    'grant without a token',
    [call({ f: 'acquire', a: { s: 's', ttl: 1 } }), ret({ o: { got: true } })],
    /^h:2: "token" is missing/,
  ],
  ['set of numbers', [call({ f: 'sread' }), ret({ o: { es: [1] } })], /^h:2: "es" is \[1\]/],
  ['answered twice', [CALL, RET, RET], /^h:3: id 1 was answered before$/],
  ['answered before it was called', [CALL, ret({ ts: 4, o: { v: null } })], /^h:2: .*before its call at 5$/],
  ['never called', [META, RET, call({ id: 2, f: 'get' })], /^h:2: id 1 was never called$/],
  ['nothing in it', [META], /^h:1: the history holds no operation$/],
  ['empty', [], /^h:0: the history holds no operation$/],
];

for (const [name, lines, message] of malformed) {
  test(`malformed: ${name}`, (t) => {
    t.throws(() => readHistory(lines, 'h'), { instanceOf: KeyvalError, code: 'KV_USAGE', message });
  });
}
