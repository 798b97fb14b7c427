/** L7: WANT and WNTD: who hears that somebody waits for what it holds, and how often. */
import test from 'ava';
import { LockMode } from '../../src/base/lock-mode.ts';
import { Connection } from '../../src/node/connection.ts';
import { u32, write } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';
import { FakeChannel } from '../helpers/fake-channel.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';
import { Caller, revisionOf } from './support/caller.ts';
import { PARTITION, PartitionWorld } from './support/partition.ts';
import { type GrantName, sessions, type TestSession } from './support/session.ts';

const { protectedRead, protectedWrite, exclusive, concurrentRead } = LockMode;

/** Of the first two who take the lock `l`, each with its first request. */
const FIRST = { token: '9.5', sequence: 1 };
const SECOND = { token: '9.6', sequence: 1 };

function three(): [TestSession, TestSession, TestSession, PartitionWorld] {
  const world = new PartitionWorld();
  return [...(sessions(world, 'a', 'b', 'c') as [TestSession, TestSession, TestSession]), world];
}

/** A connection of a client, which finds primaries itself. */
function listening(routes = true): Connection {
  const nobody = { frame: () => undefined, badLength: () => undefined, closed: () => undefined };
  const connection = new Connection(0, new FakeChannel(), new ManualTurn().turn, nobody, () => 0);
  connection.routes = routes;
  return connection;
}

/** A session says that it wants to hear over `listener` who waits for what it was granted. */
function want<L extends Connection | Caller = Connection>(
  world: PartitionWorld,
  { attachment }: TestSession,
  { token, sequence }: GrantName,
  listener: L = listening() as L,
): L {
  const payload = u32(sequence);
  const body = write({ attachment, sequence: 0, mark: 0, key: 'l', revision: revisionOf(token), payload });
  world.primary.locks.watch(listener, 77, body, 0, body.length);
  return listener;
}

/** What came since the last look: replies by opcode, WNTD as token, sequence (unless it is 1) and mode. */
function heard({ frames }: Connection | Caller): string[] {
  const bytes = frames.buffer.slice(0, frames.length);
  frames.length = 0;
  return decodeChunks([bytes]).map(({ opcode, messageId, body }) => {
    if (opcode !== 'WNTD') return opcode;
    const frame = Buffer.from(body);
    const isIt = messageId === 0 && frame.length === 15 && frame.readUInt16BE(0) === PARTITION;
    const sequence = frame.readUInt32BE(11);
    const grant = `${frame.readUInt32BE(2)}.${frame.readUInt32BE(6)}${sequence === 1 ? '' : ` of ${sequence}`}`;
    return `${isIt ? '' : '? '}${grant} in ${frame[10]}`;
  });
}

test('a holder hears in which modes it is waited for, of each once', (t) => {
  const [anna, bert, carl, world] = three();
  anna.share('l', protectedRead, 0);
  const listener = want(world, anna, FIRST);
  t.deepEqual(heard(listener), ['DONE']);
  bert.share('l', protectedWrite, 1000);
  t.deepEqual(heard(listener), [`9.5 in ${protectedWrite}`]);
  carl.share('l', protectedWrite, 1000);
  t.deepEqual(heard(listener), []);
  carl.share('l', exclusive, 1000);
  t.deepEqual(heard(listener), [`9.5 in ${exclusive}`]);
});

test('a holder in whose way nobody stands hears nothing', (t) => {
  const [anna, bert, carl, world] = three();
  anna.share('l', protectedRead, 0);
  bert.share('l', concurrentRead, 0);
  const [reader, other] = [want(world, anna, FIRST), want(world, bert, SECOND)];
  heard(reader);
  heard(other);
  carl.share('l', protectedWrite, 1000);
  t.deepEqual(heard(reader), [`9.5 in ${protectedWrite}`]);
  t.deepEqual(heard(other), [], 'it goes with whoever waits');
  t.deepEqual(carl.share('l', protectedWrite, 0), ['3 FAIL KV_LOCK_BUSY']);
  t.deepEqual(heard(reader), [], 'who does not wait is not told of');
});

test('who begins to listen while somebody waits hears of it at once, of conversions, too', (t) => {
  const [anna, bert, carl, world] = three();
  anna.share('l', protectedRead, 0);
  bert.share('l', protectedRead, 0);
  bert.convert('l', SECOND, protectedWrite, 1000);
  carl.lock('l', 1000);
  t.deepEqual(heard(want(world, anna, FIRST)), ['DONE', `9.5 in ${protectedWrite}`, `9.5 in ${exclusive}`]);
});

test('a conversion that waits is told to the other holders, not to who converts', (t) => {
  const [anna, bert, , world] = three();
  anna.share('l', protectedRead, 0);
  bert.share('l', protectedRead, 0);
  const [other, own] = [want(world, anna, FIRST), want(world, bert, SECOND)];
  heard(other);
  heard(own);
  bert.convert('l', SECOND, exclusive, 1000);
  t.deepEqual(heard(other), [`9.5 in ${exclusive}`]);
  t.deepEqual(heard(own), []);
});

test('when nobody has waited for a while the next one is told again', (t) => {
  const [anna, bert, carl, world] = three();
  anna.lock('l', 0);
  const listener = want(world, anna, FIRST);
  heard(listener);
  bert.lock('l', 1000);
  t.deepEqual(heard(listener), [`9.5 in ${exclusive}`]);
  bert.cancel('l', 1);
  carl.lock('l', 1000);
  t.deepEqual(heard(listener), [`9.5 in ${exclusive}`]);
});

test('only the holder is told, under its token, over a connection that is there', (t) => {
  const [anna, bert, carl, world] = three();
  anna.lock('l', 0);
  t.deepEqual(heard(want(world, bert, FIRST)), ['FAIL']);
  t.deepEqual(heard(want(world, anna, { ...FIRST, token: '9.4' })), ['FAIL']);
  t.deepEqual(heard(want(world, anna, { ...FIRST, sequence: 2 })), ['FAIL']);
  const former = want(world, anna, FIRST);
  const present = want(world, anna, FIRST);
  t.deepEqual([...heard(former), ...heard(present)], ['DONE', 'DONE']);
  bert.lock('l', 1000);
  t.deepEqual(heard(former), [], 'it listens over another one');
  t.deepEqual(heard(present), [`9.5 in ${exclusive}`]);
  present.closed = true;
  carl.share('l', protectedRead, 1000);
  t.deepEqual(heard(present), []);
});

test('whoever holds the lock next is told nothing that it did not ask for', (t) => {
  const [anna, bert, carl, world] = three();
  anna.lock('l', 0);
  const listener = want(world, anna, FIRST);
  anna.unlock('l', FIRST.token);
  bert.lock('l', 0);
  heard(listener);
  carl.lock('l', 1000);
  t.deepEqual(heard(listener), []);
});

test('a peer that hands requests on, and whoever does not find primaries itself, is answered and told nothing', (t) => {
  const [anna, bert, , world] = three();
  anna.lock('l', 0);
  const own = want(world, anna, FIRST);
  const others = [want(world, anna, FIRST, listening(false)), want(world, anna, FIRST, new Caller())];
  t.deepEqual(others.map(heard), [['DONE'], ['DONE']]);
  heard(own);
  bert.lock('l', 1000);
  t.deepEqual(others.map(heard), [[], []]);
  t.deepEqual(heard(own), [`9.5 in ${exclusive}`], 'they have not taken its place');
});

test('L12: who asks while many wait is charged for the walk', (t) => {
  const [anna, bert, , world] = three();
  anna.lock('l', 0);
  for (let wait = 0; wait < 4096; wait += 1) bert.lock('l', 1000);
  const listener = want(world, anna, FIRST);
  t.deepEqual(heard(listener), ['DONE', '9.5 in 5']);
  t.true(listener.units >= 4096 / 16, `${listener.units}`);
});

test('L12: one of many locks, or waits, is found without a search: so a node that hands requests on need not know what one costs', (t) => {
  const [anna, bert, , world] = three();
  const { locks } = world.primary.state;
  anna.lock('l', 0);
  for (let wait = 0; wait < 4096; wait += 1) bert.lock('l', 1000);
  for (let held = 0; held < 4096; held += 1) anna.share('n', LockMode.null, 0);
  for (const session of [anna, bert]) session.caller.units = 0;
  bert.cancel('l', 4000);
  bert.lock('l', 1000, { sequence: 2, mark: 3 });
  anna.cancel('n', 4000);
  want(world, anna, FIRST, anna.caller);
  t.deepEqual([anna.caller.units, bert.caller.units], [0, 0]);
  t.deepEqual([locks.size, locks.waiting], [2, 4095]);
});

test('a connection is kept no longer than it is open, and the lock is held', (t) => {
  for (const isClosed of [true, false]) {
    const [anna, bert, carl, world] = three();
    anna.lock('l', 0);
    const listener = want(world, anna, FIRST);
    let looks = 0;
    const closed = (): boolean => {
      looks += 1;
      return isClosed;
    };
    Object.defineProperty(listener, 'closed', { get: closed });
    if (!isClosed) anna.unlock('l', FIRST.token);
    world.pass(1);
    looks = 0;
    bert.lock('l', 1000); // if the lock is free, as the same request
    carl.lock('l', 1000);
    t.is(looks, 0, 'nobody knows of it any more');
  }
});
