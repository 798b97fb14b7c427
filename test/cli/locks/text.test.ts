/** How `keyval locks` writes what nodes tell: whatever clients call themselves and their locks. */
import test from 'ava';
import { brokenText } from '../../../src/cli/locks/break.ts';
import { cutLines, lsText } from '../../../src/cli/locks/ls.ts';
import { showText, whyText } from '../../../src/cli/locks/show.ts';
import { lockDocument, lossText, missingLines, timeText } from '../../../src/cli/locks/text.ts';
import type { LockHolder, LockInfo, LockState, LockWaiter, PastLoss } from '../../../src/client/lock-admin.ts';
import { KeyvalError } from '../../../src/index.ts';

const NOW = Date.UTC(2030, 0, 2, 3, 4, 5);

const holder: LockHolder = {
  session: 'ab'.repeat(16),
  name: 'host:12',
  from: '10.0.0.7:5555',
  flow: 3,
  mode: 'exclusive',
  label: 'backup',
  token: 77n,
  heldMs: 65_000,
  leaseMs: 10_000,
  leaseLeftMs: 7500,
  delayMs: 5000,
  abandonedForMs: null,
};

const waiter: LockWaiter = {
  session: 'cd'.repeat(16),
  name: 'host:13',
  from: null,
  flow: 0,
  mode: 'protected-read',
  label: '',
  waitedMs: 350,
  holds: null,
};

const lock: LockInfo = {
  key: 'job',
  partition: 4,
  keyBytes: 3,
  holders: [holder],
  holderCount: 1,
  waiters: [waiter],
  waiterCount: 1,
};

const loss: PastLoss = {
  cause: 'expired',
  lostMs: 125_000,
  session: 'ef'.repeat(16),
  name: 'host:14',
  token: 76n,
  mode: 'exclusive',
  flow: 0,
  label: 'backup',
  heldMs: 4000,
  delayMs: 0,
  by: '',
};

const state: LockState = { key: 'job', partition: 4, lock, losses: [loss], lossesKnownMs: 3_600_000 };

test('times: milliseconds below a second', (t) => {
  t.deepEqual([0, 999, 1000, 65_000].map(timeText), ['0ms', '999ms', '1s', '1m 5s']);
});

test('ls: a row for each holder, in columns', (t) => {
  t.is(
    lsText([lock]),
    [
      'KEY  MODE       HOLDER   TOKEN  HELD   LEASE LEFT  WAITERS  LABEL',
      'job  exclusive  host:12  77     1m 5s  7s          1        backup',
    ].join('\n'),
  );
  const shared = { ...lock, holders: [holder, { ...holder, mode: 'protected-read' as const }], holderCount: 9 };
  t.regex(lsText([shared]), /\njob +- +and 7 more /);
});

test('ls: what is not shown, and why', (t) => {
  const nothing = { locks: [], matching: 0, truncated: false, silentPartitions: 0, errors: [] };
  t.is(lsText([]), 'no lock is held');
  t.deepEqual([...cutLines(nothing), ...missingLines(nothing)], []);
  const error = new KeyvalError('KV_UNREACHABLE', 'gone');
  const partly = {
    locks: [lock],
    matching: 30,
    truncated: true,
    silentPartitions: 2,
    errors: [{ endpoint: 'a:1', error }],
  };
  t.deepEqual(cutLines(partly), ['1 of 30 locks; --limit shows more']);
  t.deepEqual(missingLines(partly), [
    'a:1 does not answer: KV_UNREACHABLE: gone',
    'the list is not complete: 2 partitions had no primary that answers',
  ]);
  t.is(
    missingLines({ ...partly, silentPartitions: 0 })[1],
    'the list is complete all the same: every partition has answered',
  );
});

test('a lock whose holder is lost', (t) => {
  const lost: LockHolder = { ...holder, session: '', name: '', leaseMs: null, leaseLeftMs: null, abandonedForMs: 4200 };
  const text = lsText([{ ...lock, holders: [lost] }]);
  t.regex(text, /\(nobody\) .* lost; free in 4s /);
});

test('names and keys that would move the cursor, or be longer than is shown', (t) => {
  const evil = {
    ...lock,
    key: 'a\u001b[2J',
    keyBytes: 70_000,
    holders: [{ ...holder, name: 'x\ny', label: '\u0007' }],
  };
  const text = lsText([evil]);
  for (const character of ['\u0007', '\u001b']) t.false(text.includes(character));
  t.regex(text, /\na\\x1b\[2J… .*x\\ny.*\\x07$/);
  t.is(
    lsText([{ ...lock, key: new Uint8Array([255, 65]) }])
      .split('\n')[1]
      ?.slice(0, 5),
    '\\xffA',
  );
});

test('show: holders, waiters in order, losses', (t) => {
  const text = showText(state, NOW);
  t.regex(
    text,
    /^lock job, partition 4\n\nHOLDER +MODE +TOKEN +HELD +LEASE +LEASE LEFT +DELAY +FLOW +FROM +SESSION +LABEL\n/,
  );
  t.regex(text, /host:12 +exclusive +77 +1m 5s +10s +7s +5s +3 +10\.0\.0\.7:5555 +(ab){16} +backup/);
  t.regex(text, /\n1\. +host:13 +protected-read +350ms +- +- +- +(cd){16} +-\n/);
  t.regex(text, /\nLOST BEFORE\n2m 5s ago, 2030-01-02T03:02:00Z: host:14 lost it/);
  t.is(showText({ ...state, lock: null, losses: [] }, NOW), 'lock job, partition 4: nobody holds it');
  t.regex(showText({ ...state, lock: { ...lock, waiterCount: 10_000 } }, NOW), /\nand 9999 more: 10000 in all/);
});

test('why: a sentence for each cause', (t) => {
  const of = (rest: Partial<PastLoss>): string => lossText({ ...loss, ...rest }, NOW).replace(/^.*?Z: /, '');
  const who = 'host:14 lost it (exclusive, token 76, backup, held 4s)';
  t.is(of({}), `${who}: its session was not heard of for a lease`);
  t.is(of({ delayMs: 5000 }), `${who}: its session was not heard of for a lease; the key stayed locked for 5s`);
  t.is(of({ cause: 'closed' }), `${who}: its session was closed while it held the lock`);
  t.regex(of({ cause: 'given-back' }), /the lease had run out at the client/);
  t.is(of({ cause: 'broken', by: 'ops:1' }), `${who}: broken by ops:1`);
  t.is(of({ cause: 'broken' }), `${who}: broken by an operator`);
  t.regex(of({ cause: 'delay-ended', by: 'ops:1' }), /^nobody held it any more .*: the lock-delay was ended by ops:1$/);
  t.is(of({ cause: 'something new' as PastLoss['cause'] }), `${who}: something new`);
});

test('why: nothing is known, and since when', (t) => {
  const text = whyText({ ...state, losses: [] }, NOW);
  t.is(text, 'nothing is known of a loss of job; every loss in partition 4 is known for the last 1h 0m');
});

test('break: what was done, and who has it now', (t) => {
  const broken = { ...loss, cause: 'broken' as const, by: 'ops:1', lostMs: 0 };
  const [first, warning, next] = brokenText({ key: 'job', broken: [broken], lock }, 'job', NOW).split('\n');
  t.regex(first ?? '', /host:14 lost it .*: broken by ops:1$/);
  t.regex(warning ?? '', /may go on working/);
  t.is(next, 'Held now by host:12 (exclusive, token 77).');
  t.is(
    brokenText({ key: 'job', broken: [], lock: null }, 'job', NOW),
    "'job' was let go of before it could be taken away\nNobody holds it now.",
  );
});

test('documents: 64-bit numbers are text, keys that are no text are base64', (t) => {
  t.like(JSON.parse(JSON.stringify(lockDocument(lock))), {
    key: 'job',
    holders: [{ token: '77' }],
    waiters: [{ holds: null }],
  });
  t.is(lockDocument({ ...lock, key: new Uint8Array([255]) }).keyBase64, '/w==');
});
