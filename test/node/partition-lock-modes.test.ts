/** Modes, conversions and lock-delay at a partition's primary: L5, L6, L7, L13. */
import test from 'ava';
import { LockMode } from '../../src/base/lock-mode.ts';
import { FENCED, fence } from '../helpers/bodies.ts';
import { revisionOf } from './support/caller.ts';
import { PartitionWorld } from './support/partition.ts';
import { describeReplica } from './support/replica-content.ts';
import { sessions, type TestSession } from './support/session.ts';

const { null: NULL, concurrentWrite, protectedRead, protectedWrite, exclusive } = LockMode;

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

test('L7: a conversion sideways that is given up leaves nobody who does not go with the others', (t) => {
  const { world, anna, bert } = three();
  anna.share('l', concurrentWrite, 0);
  t.deepEqual(anna.convert('l', FIRST, protectedRead, 0), ['3 LKDK 9.6']);
  t.deepEqual(bert.share('l', protectedRead, 0), ['2 LKDK 9.7']);
  anna.cancel('l', 2);
  const { locks } = world.primary.state;
  const slot = locks.find(Buffer.from('l'), 0, 1);
  const modes: number[] = [];
  for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held))
    modes.push(locks.requests.mode(held));
  t.false(modes.includes(concurrentWrite) && modes.includes(protectedRead), `held in modes ${modes}`);
});

test('L9: a write counts under the token of the conversion, not of what was before', (t) => {
  const { anna, bert } = readers();
  bert.unlockGrant('l', SECOND);
  anna.convert('l', FIRST, exclusive, 0);
  const under = (token: string): string[] =>
    anna.put('l', '', { flags: FENCED, payload: Buffer.concat([Buffer.from('v'), fence(revisionOf(token))]) });
  t.deepEqual(under('9.8'), ['4 DONE applied 9.9']);
  t.deepEqual(under('9.5'), ['5 FAIL KV_FENCED']);
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
  t.deepEqual(bert.read(), ['3 FAIL KV_LOCK_BUSY'], 'its own wait has ended');
  world.primary.leave(anna.hex);
  t.deepEqual(carl.read(), ['2 LKDK 9.11']);
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
