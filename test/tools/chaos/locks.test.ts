/** Chaos with locks: what its witnesses catch, how journals become a history, what the figures count. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Prng } from '../../../src/base/prng.ts';
import { KeyvalError } from '../../../src/index.ts';
import { readHistory } from '../../../src/testing/checkers/history/history-reader.ts';
import { judgeHistory, type Operation } from '../../../src/testing/checkers/index.ts';
import { LOST, WOKEN } from '../../../tools/chaos/locks/claim.ts';
import { lockFigures } from '../../../tools/chaos/locks/figures.ts';
import { grantsIn } from '../../../tools/chaos/locks/grants.ts';
import { type Harmed, planHarms } from '../../../tools/chaos/locks/harms.ts';
import { hotKey } from '../../../tools/chaos/locks/hot-keys.ts';
import { Journal } from '../../../tools/chaos/locks/journal.ts';
import { harmNotes, mergeJournals, notesIn } from '../../../tools/chaos/locks/merge.ts';
import { type LocksReport, locksOutcome } from '../../../tools/chaos/locks/report.ts';
import { letThrough, miscounted, sectionsIn, tokensBack } from '../../../tools/chaos/locks/witness.ts';

const LOCK = hotKey('lock', 3);
const GUARD = hotKey('guard', 3);
const COUNT = hotKey('count', 3);
const MS = 1e6;

/** A few lives that write journals at times of the test's own, in ms. */
class Lives {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'keyval-chaos-locks-'));
  readonly paths: string[] = [];
  nowMs = 0;

  constructor(t: ExecutionContext) {
    t.teardown(() => rmSync(this.folder, { recursive: true }));
  }

  begin(): Journal {
    const path = join(this.folder, `${this.paths.length}.ndjson`);
    this.paths.push(path);
    return new Journal({ path, life: this.paths.length - 1, nowNs: () => this.nowMs * MS });
  }

  merged(): string[] {
    const history = join(this.folder, 'all.ndjson');
    mergeJournals(this.paths, history, { seed: 1 });
    return readFileSync(history, 'utf8').split('\n');
  }

  get operations(): readonly Operation[] {
    return readHistory(this.merged(), 'test').operations;
  }
}

/** Granted between two moments, and believed in for `leaseMs` from then. */
function grant(
  lives: Lives,
  journal: Journal,
  s: string,
  token: string,
  [from, to]: [number, number],
  leaseMs = 1000,
): void {
  lives.nowMs = from;
  const id = journal.call(s, 'acquire', LOCK, { s, ttl: 0 });
  lives.nowMs = to;
  journal.answered(id, { got: true, token });
  journal.answered(journal.call(s, 'renew', LOCK, { s, token, ttl: leaseMs * MS }), { ok: true });
}

function letGo(lives: Lives, journal: Journal, s: string, token: string, atMs: number, how = ''): void {
  lives.nowMs = atMs;
  journal.call(`${s}${how}`, 'release', LOCK, { s, token });
}

function write(lives: Lives, journal: Journal, who: string, token: string, atMs: number, ok: boolean): void {
  lives.nowMs = atMs;
  const id = journal.call(who, 'fwrite', GUARD, { token });
  lives.nowMs = atMs + 1;
  journal.answered(id, { ok });
}

test('the history of all lives is judged as one: a lock that two hold is found', (t) => {
  const lives = new Lives(t);
  const [one, other] = [lives.begin(), lives.begin()];
  grant(lives, one, 'p1.1/1', '7', [0, 10]);
  grant(lives, other, 'p2.1/1', '8', [20, 500]);
  const { verdict, violations } = judgeHistory(lives.merged());
  t.is(verdict, 'violation');
  t.is(violations[0]?.rule, 'two-holders');
});

test('whoever has let go, or whose lease is over, is no second holder', (t) => {
  const lives = new Lives(t);
  const [one, other] = [lives.begin(), lives.begin()];
  grant(lives, one, 'p1.1/1', '7', [0, 10]);
  letGo(lives, one, 'p1.1/1', '7', 100);
  grant(lives, other, 'p2.1/1', '8', [20, 110]);
  grant(lives, one, 'p1.1/1', '9', [1000, 1111]);
  t.is(judgeHistory(lives.merged()).verdict, 'linearizable');
});

test('a token that goes back is found', (t) => {
  const lives = new Lives(t);
  const [one, other] = [lives.begin(), lives.begin()];
  grant(lives, one, 'p1.1/1', '8', [0, 10], 50);
  grant(lives, other, 'p2.1/1', '7', [2000, 2010], 50);
  t.is(judgeHistory(lives.merged()).violations[0]?.rule, 'token-back');
});

test('a line that was torn by the kill is left out, all others count', (t) => {
  const lives = new Lives(t);
  const journal = lives.begin();
  journal.answered(journal.call('p1.1/1', 'acquire', LOCK, { s: 'p1.1/1', ttl: 0 }), { got: true, token: '7' });
  journal.call('p1.1/1', 'fwrite', GUARD, { token: '7' });
  journal.close();
  writeFileSync(lives.paths[0] as string, '{"t":"ret","id":1,"ts"', { flag: 'a' });
  const operations = lives.operations;
  t.deepEqual(
    operations.map(({ kind, outcome }) => [kind, outcome]),
    [
      ['acquire', 'ok'],
      ['fwrite', 'unknown'],
    ],
  );
});

test('errors: which are certain, which are doubtful, which are bugs', (t) => {
  const lives = new Lives(t);
  const journal = lives.begin();
  const put = (): number => journal.call('p1.1/1', 'put', COUNT, { v: '1 a' });
  journal.failed(put(), 'p1.1/1', new KeyvalError('KV_FENCED', ''));
  journal.failed(put(), 'p1.1/1', new KeyvalError('KV_AMBIGUOUS', ''));
  journal.doubtful(put(), 'p1.1/1', new KeyvalError('KV_FENCED', ''));
  journal.failed(put(), 'p1.1/1', new KeyvalError('KV_INTERNAL', ''));
  t.throws(() => journal.failed(put(), 'p1.1/1', new TypeError('oh')), { instanceOf: TypeError });
  t.deepEqual(
    lives.operations.map(({ outcome }) => outcome),
    ['fail', 'unknown', 'unknown', 'unknown', 'unknown'],
  );
  t.deepEqual(
    notesIn(lives.merged()).map(({ what, code }) => `${what} ${code}`),
    ['error KV_FENCED', 'error KV_AMBIGUOUS', 'error KV_FENCED', 'bug KV_INTERNAL'],
  );
});

test('a write that is let through behind a newer holder is found, though that one has written nothing', (t) => {
  const lives = new Lives(t);
  const [one, other] = [lives.begin(), lives.begin()];
  grant(lives, one, 'p1.1/1', '7', [0, 10], 50);
  grant(lives, other, 'p2.1/1', '8', [20, 500]);
  write(lives, one, `p1.1/1${WOKEN}`, '7', 499, true);
  const innocent = lives.operations;
  t.deepEqual(letThrough(innocent, grantsIn(innocent)), []);
  write(lives, one, `p1.1/1${WOKEN}`, '7', 501, false);
  write(lives, one, `p1.1/1${WOKEN}`, '7', 510, true);
  const guilty = lives.operations;
  const found = letThrough(guilty, grantsIn(guilty));
  t.is(found.length, 1);
  t.regex(found[0] ?? '', /p1\.1\/1\/woken's write \d+ under 7 was let through behind 8/);
});

test('counters hold every acknowledged section, and at most those that nobody knows of besides', (t) => {
  const lives = new Lives(t);
  const journal = lives.begin();
  for (const _ of [1, 2, 3]) journal.answered(journal.call('p1.1/1', 'put', COUNT, { v: '1 a' }), {});
  journal.call('p1.1/1', 'put', COUNT, { v: '4 a' });
  journal.failed(journal.call('p1.1/1', 'put', COUNT, { v: '4 b' }), 'p1.1/1', new KeyvalError('KV_FENCED', ''));
  journal.call('p1.1/1', 'put', GUARD, { v: 'no counter' });
  const sections = sectionsIn(lives.operations);
  t.deepEqual(sections, [{ key: COUNT, acknowledged: 3, unknown: 1 }]);
  const found = (sum: number | null): number => miscounted(sections, new Map([[COUNT, sum]])).length;
  t.deepEqual([2, 3, 4, 5, null].map(found), [1, 0, 0, 1, 1]);
});

test('the token at the end is greater than all before', (t) => {
  const lives = new Lives(t);
  grant(lives, lives.begin(), 'p1.1/1', '7', [0, 10]);
  const grants = grantsIn(lives.operations);
  const found = (token: bigint | null): number => tokensBack(grants, new Map([[3, token]])).length;
  t.deepEqual([6n, 7n, 8n, null].map(found), [1, 1, 0, 1]);
});

const pause: Harmed = { kind: 'pause', name: 'p1.1', leaseMs: 1000, fromNs: 50 * MS, untilNs: 2550 * MS };

test('figures: waits, expiries, late writes of those that were paused, grants after a kill', (t) => {
  const lives = new Lives(t);
  const [one, two, three] = [lives.begin(), lives.begin(), lives.begin()];
  grant(lives, one, 'p1.1/1', '1', [0, 10]);
  grant(lives, two, 'p2.1/1', '2', [20, 1020]); // p1 is paused: its lease has run out
  letGo(lives, two, 'p2.1/1', '2', 1050);
  grant(lives, two, 'p2.1/2', '3', [1100, 1110]);
  grant(lives, three, 'p3.1/1', '4', [1200, 3000]); // p2 is killed
  write(lives, one, `p1.1/1${WOKEN}`, '1', 2551, false);
  letGo(lives, one, 'p1.1/1', '1', 2555, LOST);
  write(lives, three, `p3.1/1${WOKEN}`, '4', 3100, true); // a slow moment, no pause
  const operations = lives.operations;
  const kill: Harmed = { kind: 'kill', name: 'p2.1', leaseMs: 1500, fromNs: 1500 * MS, untilNs: 1501 * MS };
  const figures = lockFigures({ operations, grants: grantsIn(operations), harmed: [pause, kill], loops: 4 });
  t.is(figures.grants, 4);
  t.is(figures.afterWait, 2);
  t.is(figures.afterExpiry, 2);
  t.deepEqual(figures.waitsMs, { count: 2, p50: 1000, p99: 1800, max: 1800 });
  t.deepEqual([figures.holdersPaused, figures.longestPauseLeases], [1, 2.5]);
  t.deepEqual(figures.late, { refused: 1, accepted: 0, unanswered: 0 });
  t.deepEqual([figures.afterKillMs.p50, figures.afterKillLeases.p50], [1500, 1]);
  t.deepEqual(figures.perLoop, { loops: 4, min: 1, max: 1 });
  const cut: Harmed = { kind: 'cut', name: 'p3.1', leaseMs: 1000, fromNs: 2000 * MS, untilNs: 4000 * MS };
  const others = lockFigures({ operations, grants: grantsIn(operations), harmed: [pause, kill, cut], loops: 4 });
  t.deepEqual(others.waitsMs, { count: 1, p50: 1000, p99: 1000, max: 1000 });
  t.is(others.afterWait, 2);
});

test('the history tells what was done to whom, and the judge passes over it', (t) => {
  const lives = new Lives(t);
  grant(lives, lives.begin(), 'p1.1/1', '7', [0, 10]);
  const lines = [...lives.merged(), ...harmNotes([pause]).map((note) => JSON.stringify(note))];
  t.is(judgeHistory(lines).verdict, 'linearizable');
  t.deepEqual(
    notesIn(lines).map(({ what, p, code, message }) => [what, p, code, message]),
    [['harm', 'p1.1', 'pause', 'for 2500 ms']],
  );
});

test('a run passes only if late writes were refused and every witness agrees', (t) => {
  const lives = new Lives(t);
  const journal = lives.begin();
  grant(lives, journal, 'p1.1/1', '1', [0, 10]);
  write(lives, journal, `p1.1/1${WOKEN}`, '1', 2551, false);
  const operations = lives.operations;
  const figures = lockFigures({ operations, grants: grantsIn(operations), harmed: [pause], loops: 1 });
  const good: LocksReport = {
    planned: 0,
    incidents: [],
    harmed: [pause],
    figures,
    notes: [],
    judgements: [{ history: 'h', verdict: 'linearizable', violations: [] }],
    letThrough: [],
    miscounted: [],
    tokensBack: [],
    sections: { acknowledged: 1, unknown: 0 },
    complaints: [],
  };
  t.deepEqual(locksOutcome(good).failures, []);
  const failures = (change: Partial<LocksReport>): number => locksOutcome({ ...good, ...change }).failures.length;
  for (const witness of ['letThrough', 'miscounted', 'tokensBack', 'complaints'])
    t.is(failures({ [witness]: ['not so'] }), 1, witness);
  t.is(failures({ planned: 1 }), 1);
  t.is(failures({ figures: { ...figures, grants: 0 } }), 1);
  t.is(failures({ figures: { ...figures, late: { refused: 0, accepted: 9, unanswered: 9 } } }), 1);
  t.is(failures({ judgements: [{ history: 'h', verdict: 'violation', violations: ['lock k: two-holders'] }] }), 1);
  t.is(failures({ notes: [{ t: 'note', what: 'bug', p: 'p1.1/1', ts: 1, code: 'KV_INTERNAL', message: '' }] }), 1);
});

test('a plan begins with the longest pause of a holder, and is the same for the same seed', (t) => {
  const plan = planHarms(120, new Prng(3));
  t.is(plan[0]?.kind, 'pause');
  t.true((plan[0]?.leases ?? 0) > 10 && plan[0]?.hitsHolder === true);
  for (const kind of ['kill', 'pause', 'cut']) t.true(plan.filter((harm) => harm.kind === kind).length > 3, kind);
  t.true(plan.every(({ leases, atMs }) => leases <= 10.3 && atMs < 120_000));
  t.deepEqual(planHarms(120, new Prng(3)), plan);
  t.notDeepEqual(planHarms(120, new Prng(4)), plan);
  t.true((planHarms(6, new Prng(3))[0]?.leases ?? 9) < 2);
});
