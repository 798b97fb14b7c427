/** Modes, conversions and lock-delay at a partition's primary: L5, L6, L7, L13. */
import test from 'ava';
import { LockMode, mayWrite } from '../../src/base/lock-mode.ts';
import { WAITS_PER_SESSION_MAX } from '../../src/node/admission.ts';
import { FENCED, fence, GIVEN_BACK, NAMES_GRANT, STORE, u32 } from '../helpers/bodies.ts';
import { revisionOf } from './support/caller.ts';
import { PartitionWorld } from './support/partition.ts';
import { describeReplica } from './support/replica-content.ts';
import { sessions, type TestSession } from './support/session.ts';

const { null: NULL, concurrentRead, concurrentWrite, protectedRead, protectedWrite, exclusive } = LockMode;

interface Three {
  readonly world: PartitionWorld;
  readonly anna: TestSession;
  readonly bert: TestSession;
  readonly carl: TestSession;
}

/** Nobody has asked for anything yet; the next operation is 5. */
function three(): Three {
  const world = new PartitionWorld();
  const [anna, bert, carl] = sessions(world, 'a', 'b', 'c') as [TestSession, TestSession, TestSession];
  return { world, anna, bert, carl };
}

/** Anna and Bert read the lock `l`, under 9.5 and 9.6. */
function readers(): Three {
  const all = three();
  all.anna.share('l', protectedRead, 0);
  all.bert.share('l', protectedRead, 0);
  return all;
}

/** Of a lock: token and mode of each who holds it. */
function holders({ primary }: PartitionWorld, key = 'l'): string[] {
  const { locks } = primary.state;
  const { requests } = locks;
  const slot = locks.find(Buffer.from(key), 0, key.length);
  const found: string[] = [];
  for (let held = slot < 0 ? -1 : locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held))
    found.push(`${requests.tokenEpoch(held)}.${requests.tokenOperation(held)} in ${requests.mode(held)}`);
  return found;
}

const FIRST = { token: '9.5', sequence: 1 };
const SECOND = { token: '9.6', sequence: 1 };

// ---- modes

test('L7: readers share a lock, each under a token of its own; a writer waits for both', (t) => {
  const { anna, bert, carl } = three();
  t.deepEqual(anna.share('l', protectedRead, 0), ['2 LKDK 9.5']);
  t.deepEqual(bert.share('l', protectedRead, 0), ['2 LKDK 9.6']);
  t.deepEqual(carl.lock('l', 0), ['2 FAIL KV_LOCK_BUSY']);
  t.deepEqual(carl.lock('l', 1000), ['3 WAIT']);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['3 DONE applied 9.8']);
  t.deepEqual(carl.read(), []);
  t.deepEqual(bert.unlockGrant('l', SECOND), ['3 DONE applied 9.9']);
  t.deepEqual(carl.read(), ['3 LKDK 9.9']);
});

test('L7: readers who waited are granted in one step, under one token', (t) => {
  const { anna, bert, carl } = three();
  anna.lock('l', 0);
  bert.share('l', protectedRead, 1000);
  carl.share('l', protectedRead, 1000);
  t.deepEqual(anna.unlock('l', '9.5'), ['3 DONE applied 9.8']);
  t.deepEqual([bert.read(), carl.read()], [['2 LKDK 9.8'], ['2 LKDK 9.8']]);
});

test('L5: a reader does not pass a writer that waits', (t) => {
  const { anna, bert, carl } = three();
  anna.share('l', protectedRead, 0);
  bert.lock('l', 1000);
  t.deepEqual(carl.share('l', protectedRead, 0), ['2 FAIL KV_LOCK_BUSY']);
  t.deepEqual(carl.share('l', NULL, 0), ['3 LKDK 9.7']);
});

test('L5: a writer whose time is up lets in the readers behind it', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', protectedRead, 0);
  bert.lock('l', 100);
  carl.share('l', protectedRead, 1000);
  world.pass(100);
  t.deepEqual([bert.read(), carl.read()], [['2 FAIL KV_LOCK_BUSY'], ['2 LKDK 9.8']]);
});

test('L6: of two grants under one token a release ends the one that it names', (t) => {
  const { world, anna, bert } = three();
  bert.lock('l', 0);
  anna.share('l', protectedRead, 1000);
  anna.share('l', protectedRead, 1000);
  bert.unlock('l', '9.5');
  t.deepEqual(anna.read(), ['2 LKDK 9.8', '3 LKDK 9.8']);
  t.deepEqual(anna.unlock('l', '9.8'), ['4 FAIL KV_NOT_HELD'], 'which one?');
  t.deepEqual(anna.unlockGrant('l', { token: '9.8', sequence: 2 }), ['5 DONE applied 9.10']);
  t.deepEqual(anna.unlockGrant('l', { token: '9.8', sequence: 2 }), ['6 FAIL KV_NOT_HELD']);
  t.is(world.primary.state.locks.size, 1);
  t.deepEqual(bert.lock('l', 0), ['4 FAIL KV_LOCK_BUSY']);
  t.deepEqual(anna.unlockGrant('l', { token: '9.8', sequence: 1 }), ['7 DONE applied 9.12']);
  t.is(world.primary.state.locks.size, 0);
});

// ---- conversions

test('L7: a conversion upward waits for the other reader, then has a token of its own', (t) => {
  const { anna, bert } = readers();
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000), ['3 WAIT']);
  t.deepEqual(bert.unlockGrant('l', SECOND), ['3 DONE applied 9.8']);
  t.deepEqual(anna.read(), ['3 LKDK 9.8']);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['4 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlock('l', '9.8'), ['5 DONE applied 9.10']);
});

test('L7: downward is answered with the token that it has, and lets others in', (t) => {
  const { anna, bert } = three();
  anna.lock('l', 0);
  bert.share('l', protectedRead, 1000);
  t.deepEqual(anna.convert('l', { token: '9.5', sequence: 0 }, protectedRead, 0), ['3 LKDK 9.5']);
  t.deepEqual(bert.read(), ['2 LKDK 9.7']);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['4 DONE applied 9.8']);
});

test('L7, L10: of two readers that both want to write the second is told so', (t) => {
  const { anna, bert } = readers();
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000), ['3 WAIT']);
  t.deepEqual(bert.convert('l', SECOND, exclusive, 1000), ['3 FAIL KV_DEADLOCK']);
  t.deepEqual(bert.convert('l', SECOND, exclusive, 1000, { sequence: 2 }), ['4 FAIL KV_DEADLOCK'], 'and again');
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.read(), ['3 LKDK 9.9']);
});

test('L7: only who holds a lock converts it, and one conversion at a time', (t) => {
  const { anna, bert, carl } = readers();
  t.deepEqual(carl.convert('l', FIRST, exclusive, 0), ['2 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.convert('l', SECOND, exclusive, 0), ['3 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.convert('l', { token: '9.5', sequence: 9 }, exclusive, 0), ['4 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.convert('free', FIRST, exclusive, 0), ['5 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.convert('l', FIRST, exclusive, 0), ['6 FAIL KV_LOCK_BUSY']);
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000), ['7 WAIT']);
  t.deepEqual(anna.convert('l', FIRST, NULL, 1000), ['8 FAIL KV_LOCK_BUSY']);
  bert.unlockGrant('l', SECOND);
  t.regex(anna.read().join(), /^7 LKDK/);
});

test('L5, L7: a conversion whose time is up leaves the lock as it was', (t) => {
  const { world, anna, bert } = readers();
  anna.convert('l', FIRST, exclusive, 100);
  world.pass(100);
  t.deepEqual(anna.read(), ['3 FAIL KV_LOCK_BUSY']);
  t.is(world.primary.state.locks.waiting, 0);
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.read(), []);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['4 DONE applied 9.10']);
});

test('R22, L7: a conversion that is sent again while it waits joins the wait', (t) => {
  const { world, anna, bert } = readers();
  anna.convert('l', FIRST, exclusive, 1000);
  anna.reconnect();
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000, { sequence: 2 }), ['4 WAIT']);
  t.is(world.primary.state.locks.waiting, 1);
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.read(), ['4 LKDK 9.8']);
});

test('R22, L7: a conversion that is sent again has the same answer, and no second effect', (t) => {
  const { world, anna, bert } = readers();
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.convert('l', FIRST, protectedWrite, 0), ['3 LKDK 9.8']);
  const before = describeReplica(world.primary.state);
  t.deepEqual(anna.convert('l', FIRST, protectedWrite, 0, { sequence: 2 }), ['4 LKDK 9.8']);
  t.deepEqual(describeReplica(world.primary.state), before);
  const granted = { token: '9.8', sequence: 2 };
  t.deepEqual(anna.convert('l', granted, NULL, 0), ['5 LKDK 9.8']);
  t.deepEqual(anna.convert('l', granted, NULL, 0, { sequence: 3 }), ['6 LKDK 9.8']);
  t.deepEqual(bert.lock('l', 0), ['4 LKDK 9.10'], 'null keeps nobody out');
});

test('R22, L7: a conversion that waits goes on waiting at the next primary', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.share('l', protectedRead, 0);
  bert.share('l', protectedRead, 0);
  anna.convert('l', { token: '9.4', sequence: 1 }, exclusive, 1000);
  world.settle();
  t.deepEqual(anna.read(), ['2 LKDK 9.4', '3 WAIT']);
  world.elect(1, 12);
  world.settle();
  t.deepEqual(anna.read(), ['3 MOVD to 1 unknown']);
  t.deepEqual(anna.convert('l', { token: '9.4', sequence: 1 }, exclusive, 1000, { sequence: 2 }), ['4 WAIT']);
  bert.unlockGrant('l', { token: '9.5', sequence: 1 });
  world.settle();
  t.deepEqual(anna.read(), ['4 LKDK 12.2']);
  world.settle();
  t.deepEqual(describeReplica(world.backups[0]?.kept.state ?? t.fail()), describeReplica(world.primary.state));
});

test('L5, L7: CNCL ends the wait for a conversion; the lock is held as before', (t) => {
  const { anna, bert, carl } = readers();
  anna.convert('l', FIRST, exclusive, 1000);
  carl.share('l', protectedRead, 1000);
  t.regex(anna.cancel('l', 2).join(), /^4 DONE applied \S+,3 FAIL KV_LOCK_BUSY$/);
  t.deepEqual(carl.read(), ['2 LKDK 9.9'], 'who waited behind it is let in');
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['5 DONE applied 9.11']);
});

test('L5, L7: CNCL of a conversion that was granted brings back mode and token of before', (t) => {
  const { world, anna, bert, carl } = readers();
  anna.convert('l', FIRST, exclusive, 1000);
  carl.share('l', protectedRead, 1000);
  bert.unlockGrant('l', SECOND);
  t.deepEqual(anna.read(), ['3 LKDK 9.9']);
  anna.cancel('l', 2);
  t.deepEqual(carl.read(), ['2 LKDK 9.10']);
  anna.cancel('l', 2);
  t.is(world.primary.state.locks.size, 1, 'CNCL that comes again changes nothing');
  t.deepEqual(
    anna.convert('l', FIRST, exclusive, 1000, { sequence: 2 }),
    ['6 FAIL KV_LOCK_BUSY'],
    'nor does it come late',
  );
  t.deepEqual(anna.unlock('l', '9.9'), ['7 FAIL KV_NOT_HELD']);
  t.deepEqual(anna.unlockGrant('l', FIRST), ['8 DONE applied 9.13']);
});

test('L5, L7: a conversion that was given up before it came has no effect', (t) => {
  const { anna, bert } = three();
  anna.share('l', protectedRead, 0);
  anna.cancel('l', 2);
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000, { sequence: 2 }), ['4 FAIL KV_LOCK_BUSY']);
  t.deepEqual(bert.share('l', protectedRead, 0), ['2 LKDK 9.7']);
});

test('L5, L7: CNCL of a conversion that has been converted downward since changes nothing, however often it comes', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', protectedRead, 0);
  anna.convert('l', FIRST, exclusive, 0);
  const granted = { token: '9.6', sequence: 2 };
  t.deepEqual(anna.convert('l', granted, protectedRead, 0), ['4 LKDK 9.6']);
  const { locks } = describeReplica(world.primary.state);
  t.regex(anna.cancel('l', 2).join(), /^5 DONE/);
  t.deepEqual(holders(world), ['9.6 in 3']);
  t.regex(anna.cancel('l', 2).join(), /^6 DONE/);
  t.deepEqual(holders(world), ['9.6 in 3']);
  t.is(Object.keys(locks).length, 1);
  t.deepEqual(bert.lock('l', 0), ['2 FAIL KV_LOCK_BUSY']);
  t.regex(anna.unlockGrant('l', granted).join(), /^7 DONE applied/);
});

test('L5, L7: CNCL of a conversion from null while the next one waits leaves the others in line', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', NULL, 0);
  t.deepEqual(anna.convert('l', FIRST, protectedRead, 0), ['3 LKDK 9.6']);
  bert.share('l', protectedRead, 0);
  t.deepEqual(anna.convert('l', { token: '9.6', sequence: 2 }, exclusive, 1000), ['4 WAIT']);
  t.deepEqual(carl.lock('l', 1000), ['2 WAIT']);
  anna.cancel('l', 2);
  anna.cancel('l', 3);
  t.is(world.primary.state.locks.waiting, 1);
  t.deepEqual(carl.read(), []);
  bert.unlockGrant('l', { token: '9.7', sequence: 1 });
  world.primary.leave(anna.hex);
  t.regex(carl.read().join(), /^2 LKDK/);
  t.is(holders(world).length, 1);
});

test('L7: sideways is refused, and changes nothing', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', concurrentWrite, 0);
  bert.share('m', protectedRead, 0);
  for (const waitMs of [0, 1000]) {
    t.regex(anna.convert('l', FIRST, protectedRead, waitMs).join(), /FAIL KV_LOCK_BUSY$/);
    t.regex(bert.convert('m', SECOND, concurrentWrite, waitMs).join(), /FAIL KV_LOCK_BUSY$/);
  }
  t.deepEqual([holders(world), holders(world, 'm')], [['9.5 in 2'], ['9.6 in 3']]);
  t.is(world.primary.state.locks.waiting, 0);
  t.deepEqual(bert.share('l', concurrentWrite, 0), ['5 LKDK 9.11']);
  t.deepEqual(anna.convert('l', FIRST, concurrentRead, 0), ['5 LKDK 9.5'], 'that is the way');
  t.deepEqual(anna.convert('m', FIRST, protectedRead, 0), ['6 FAIL KV_NOT_HELD']);
});

test('L5, L7: a conversion from null waits in line, and goes on waiting there at the next primary', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert, carl] = sessions(world, 'a', 'b', 'c') as [TestSession, TestSession, TestSession];
  const all = [anna, bert, carl];
  const settled = (): string[][] => {
    world.settle();
    return all.map((session) => session.read());
  };
  anna.share('l', protectedRead, 0);
  bert.share('l', NULL, 0);
  carl.lock('l', 60_000);
  bert.convert('l', { token: '9.6', sequence: 1 }, protectedRead, 60_000);
  carl.share('l', protectedRead, 60_000);
  t.deepEqual(settled(), [['2 LKDK 9.5'], ['2 LKDK 9.6', '3 WAIT'], ['2 WAIT', '3 WAIT']]);
  world.elect(1, 12);
  t.deepEqual(settled(), [[], ['3 MOVD to 1 unknown'], ['2 MOVD to 1 unknown', '3 MOVD to 1 unknown']]);
  t.deepEqual(carl.lock('l', 60_000, { sequence: 1 }), ['4 WAIT']);
  t.deepEqual(bert.convert('l', { token: '9.6', sequence: 1 }, protectedRead, 60_000, { sequence: 2 }), ['4 WAIT']);
  t.deepEqual(carl.share('l', protectedRead, 60_000, { sequence: 2 }), ['5 WAIT']);
  anna.unlockGrant('l', { token: '9.5', sequence: 1 });
  t.deepEqual(settled(), [['3 DONE applied 12.2'], [], ['4 LKDK 12.2']]);
  carl.unlock('l', '12.2');
  t.deepEqual(settled(), [[], ['4 LKDK 12.3'], ['6 DONE applied 12.3', '5 LKDK 12.3']]);
  world.settle();
  t.deepEqual(describeReplica(world.backups[0]?.kept.state ?? t.fail()), describeReplica(world.primary.state));
});

test('L5, L7: a conversion from null whose time is up leaves the line', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', protectedRead, 0);
  bert.share('l', NULL, 0);
  t.deepEqual(bert.convert('l', { token: '9.6', sequence: 1 }, exclusive, 100), ['3 WAIT']);
  carl.share('l', protectedRead, 1000);
  world.pass(100);
  t.deepEqual([bert.read(), carl.read()], [['3 FAIL KV_LOCK_BUSY'], ['2 LKDK 9.9']]);
  t.deepEqual(holders(world), ['9.5 in 3', '9.6 in 0', '9.9 in 3']);
});

test('L12: a conversion is not refused for want of memory, nor before locks are given out', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', protectedRead, 0);
  bert.share('l', protectedRead, 0);
  world.room = false;
  t.deepEqual(carl.share('l', protectedRead, 0), ['2 FAIL KV_OUT_OF_MEMORY']);
  t.deepEqual(bert.convert('l', SECOND, concurrentRead, 0), ['3 LKDK 9.6']);
  world.room = true;
  world.primary.locksFromMs = world.nowMs + 1000;
  t.deepEqual(carl.share('l', protectedRead, 0), ['3 FAIL KV_NO_QUORUM']);
  t.deepEqual(bert.convert('l', SECOND, protectedRead, 0), ['4 LKDK 9.8']);
  t.deepEqual(anna.convert('l', FIRST, exclusive, 1000), ['3 WAIT']);
});

test('L12: a conversion is not refused for too many waits', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', protectedRead, 0);
  bert.lock('m', 0);
  anna.mark = 0;
  for (let count = 0; count < WAITS_PER_SESSION_MAX; count += 1) {
    anna.mark = anna.sequence + 1;
    anna.lock('m', 1000);
  }
  t.is(world.primary.state.locks.waiting, WAITS_PER_SESSION_MAX);
  t.regex(anna.lock('m', 1000).join(), /FAIL KV_OVERLOADED/);
  t.regex(anna.convert('l', FIRST, exclusive, 0).join(), /LKDK/);
});

test('L9: a write counts under the token of the conversion, not of a reader that it was before', (t) => {
  const { anna, bert } = readers();
  bert.unlockGrant('l', SECOND);
  anna.convert('l', FIRST, exclusive, 0);
  const under = (token: string): string[] =>
    anna.put('l', '', { flags: FENCED, payload: Buffer.concat([Buffer.from('v'), fence(revisionOf(token))]) });
  t.deepEqual(under('9.8'), ['4 DONE applied 9.9']);
  t.deepEqual(under('9.5'), ['5 FAIL KV_FENCED']);
});

test('L9: a write under way counts under the token before the conversion, too, if that mode wrote', (t) => {
  const { anna } = three();
  anna.share('l', concurrentWrite, 0);
  anna.convert('l', FIRST, exclusive, 0);
  const under = (token: string): string =>
    anna.put('l', '', { flags: FENCED, payload: fence(revisionOf(token)) }).join();
  t.regex(under('9.5'), /DONE applied/);
  t.regex(under('9.6'), /DONE applied/);
  anna.convert('l', { token: '9.6', sequence: 2 }, protectedRead, 0);
  t.regex(under('9.5'), /KV_FENCED/);
  t.regex(under('9.6'), /KV_FENCED/);
});

test('L8, L9: who only reads stores nothing with the release, and holds the lock on', (t) => {
  for (const mode of Object.values(LockMode)) {
    const { world, anna } = three();
    anna.share('l', mode, 0);
    const before = holders(world);
    const payload = Buffer.concat([Buffer.from('mine'), u32(1)]);
    const line = anna.unlockGrant('l', FIRST, { flags: STORE | NAMES_GRANT, payload }).join();
    t.is(line, mayWrite(mode) ? '3 DONE applied 9.6' : '3 FAIL KV_FENCED', `mode ${mode}`);
    t.is(world.primary.state.keys.size, mayWrite(mode) ? 1 : 0);
    t.deepEqual(holders(world), mayWrite(mode) ? [] : before);
    if (mayWrite(mode)) t.deepEqual(anna.get('l'), ["4 GOTK 'mine' 9.6"]);
    else t.regex(anna.unlockGrant('l', FIRST).join(), /^4 DONE applied/);
  }
});

// ---- the end of a session, and lock-delay

test('L5: the end of a session lets in conversions and waiters in their order', (t) => {
  const { world, anna, bert, carl } = readers();
  anna.convert('l', FIRST, exclusive, 1000);
  carl.share('l', protectedRead, 1000);
  bert.lock('l', 1000);
  world.primary.leave(bert.hex);
  t.deepEqual(anna.read(), ['3 LKDK 9.10']);
  t.deepEqual(carl.read(), []);
  t.deepEqual(bert.read(), ['3 FAIL KV_NO_SESSION'], 'its own wait has ended with it');
  world.primary.leave(anna.hex);
  t.deepEqual(carl.read(), ['2 LKDK 9.11']);
});

test('L5: of a session that has ended each wait is told so, that of a conversion, too', (t) => {
  const { world, anna, bert, carl } = readers();
  carl.share('l', NULL, 0);
  anna.convert('l', FIRST, exclusive, 1000);
  carl.convert('l', { token: '9.7', sequence: 1 }, exclusive, 1000);
  carl.lock('l', 1000);
  world.primary.leave(carl.hex);
  t.deepEqual(carl.read(), ['3 FAIL KV_NO_SESSION', '4 FAIL KV_NO_SESSION']);
  t.deepEqual(anna.read(), []);
  world.primary.leave(anna.hex);
  t.deepEqual(anna.read(), ['3 FAIL KV_NO_SESSION']);
  t.is(world.primary.state.locks.waiting, 0);
  t.deepEqual(holders(world), ['9.6 in 3']);
  t.deepEqual(bert.convert('l', SECOND, exclusive, 0), ['3 LKDK 9.13']);
});

/** Anna's lease runs out; the others are renewed. Gives the time that has passed. */
function lose({ world, anna }: Pick<Three, 'world' | 'anna'>, ...others: TestSession[]): number {
  let passedMs = 0;
  while (world.primary.state.attachments.ofSession(anna.hex) !== undefined) {
    for (const other of others) world.primary.renew(other.hex);
    world.pass(100);
    world.settle();
    passedMs += 100;
  }
  return passedMs;
}

test('L13: a lock that is lost stays locked for its delay, then whoever waits has it', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  bert.lock('l', 60_000);
  lose({ world, anna }, bert);
  t.deepEqual(bert.read(), []);
  t.deepEqual(bert.unlock('l', '9.5'), ['3 FAIL KV_NOT_HELD']);
  world.pass(699);
  t.deepEqual(bert.read(), []);
  world.pass(1);
  t.regex(bert.read().join(), /^2 LKDK 9\.\d+$/);
  t.is(world.primary.state.locks.requests.abandonedCount, 0);
});

test('L13: a delay ends on time, also when a wait for another lock ends in the same tick', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  bert.share('m', exclusive, 0);
  lose({ world, anna }, bert, carl);
  bert.lock('l', 60_000);
  carl.lock('m', 700);
  world.pass(700);
  t.regex(carl.read().join(), /FAIL KV_LOCK_BUSY/);
  t.regex(bert.read().join(), /LKDK/);
});

test('L9, L13: nobody writes under the token of a lock that is lost', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  const fenced = { flags: FENCED, payload: fence(revisionOf('9.5')) };
  t.regex(bert.put('l', '', fenced).join(), /applied/);
  lose({ world, anna }, bert);
  t.regex(bert.put('l', '', fenced).join(), /KV_FENCED/);
});

test('L13: who leaves leaves nothing locked', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  bert.lock('l', 1000);
  world.primary.leave(anna.hex);
  t.deepEqual(bert.read(), ['2 LKDK 9.7']);
});

test('L13: a lock that its client gives back after a loss stays locked for its delay', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  bert.lock('l', 60_000);
  t.deepEqual(anna.unlock('l', '9.5', { flags: GIVEN_BACK }), ['3 DONE applied 9.7']);
  t.deepEqual(anna.unlock('l', '9.5'), ['4 FAIL KV_NOT_HELD']);
  t.is([...world.primary.state.losses.from(0)][0]?.delayMs, 700);
  world.pass(699);
  t.deepEqual(bert.read(), []);
  world.pass(1);
  t.regex(bert.read().join(), /^2 LKDK/);
});

test('L7, L13: what is given back while it is being converted lets in who goes with what stays of it', (t) => {
  const { world, anna, bert, carl } = three();
  anna.share('l', protectedRead, 0, { lock: { delayMs: 700 } });
  bert.share('l', protectedRead, 0);
  anna.convert('l', FIRST, exclusive, 60_000);
  carl.share('l', protectedRead, 60_000);
  t.regex(anna.unlockGrant('l', FIRST, { flags: GIVEN_BACK | NAMES_GRANT }).join(), /DONE applied/);
  t.regex(carl.read().join(), /LKDK/);
  t.is(holders(world).length, 3);
});

test('L13: a lock that is let go of has no delay', (t) => {
  const { anna, bert } = three();
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  anna.unlock('l', '9.5');
  t.deepEqual(bert.lock('l', 0), ['2 LKDK 9.7']);
});

test('L13: the delay goes on where it was at the next primary', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.share('l', exclusive, 0, { lock: { delayMs: 700, label: 'nightly' } });
  bert.lock('l', 60_000);
  world.settle();
  bert.read();
  lose({ world, anna }, bert);
  world.pass(300);
  world.elect(1, 12);
  world.settle();
  t.deepEqual(describeReplica(world.backups[0]?.kept.state ?? t.fail()), describeReplica(world.primary.state));
  const step = (ms: number): string[] => {
    world.pass(ms);
    world.settle();
    return bert.read();
  };
  bert.read();
  t.deepEqual(bert.lock('l', 60_000, { sequence: 1 }), ['3 WAIT']);
  t.deepEqual(step(399), []);
  t.regex(step(1).join(), /^3 LKDK 12\./);
  world.settle();
  t.deepEqual(describeReplica(world.backups[0]?.kept.state ?? t.fail()), describeReplica(world.primary.state));
});

test('L13: the end of a delay that is appended by two primaries has one effect', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  anna.share('l', exclusive, 0, { lock: { delayMs: 700 } });
  world.settle();
  lose({ world, anna }, bert);
  world.pass(700);
  world.send(0);
  world.elect(1, 12);
  world.pass(1);
  world.settle();
  t.is(world.primary.state.locks.size, 0);
  bert.lock('l', 0);
  world.settle();
  t.regex(bert.read().join(), /LKDK 12\./);
});

test('L13: each of several grants under one token stays for its own delay', (t) => {
  const { world, anna, bert, carl } = three();
  bert.lock('l', 0);
  for (const delayMs of [5000, 700]) anna.share('l', protectedRead, 1000, { lock: { delayMs } });
  bert.unlock('l', '9.5'); // both are granted under 9.8
  carl.lock('l', 2 ** 40);
  lose({ world, anna }, bert, carl);
  const { requests } = world.primary.state.locks;
  const pass = (ms: number): number[] => {
    for (let passedMs = 0; passedMs < ms; passedMs += 100) {
      world.primary.renew(carl.hex);
      world.pass(100);
    }
    return [...requests.abandoned].map((request) => requests.delayMs(request));
  };
  t.deepEqual(pass(700), [5000], 'the longer one is there yet');
  carl.read();
  t.deepEqual(pass(4200), [5000]);
  t.deepEqual(carl.read(), []);
  t.deepEqual(pass(200), []);
  t.regex(carl.read().join(), /^2 LKDK/);
});

test('L13: several that were granted in one step and are due at once end in one step', (t) => {
  const { world, anna, bert, carl } = three();
  bert.lock('l', 0);
  for (let count = 0; count < 3; count += 1) anna.share('l', protectedRead, 1000, { lock: { delayMs: 700 } });
  bert.unlock('l', '9.5'); // all are granted under 9.9
  carl.lock('l', 2 ** 40);
  carl.read();
  lose({ world, anna }, bert, carl);
  t.is(world.primary.state.locks.requests.abandonedCount, 3);
  world.pass(700);
  t.is(world.primary.state.locks.requests.abandonedCount, 0);
  t.regex(carl.read().join(), /^2 LKDK/);
  t.is(holders(world).length, 1);
  t.is(world.primary.applied, world.primary.log.next);
});
