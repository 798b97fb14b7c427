/** L14: locks that an operator breaks, and why locks were lost, at every replica. */
import test, { type ExecutionContext } from 'ava';
import { ByteWriter } from '../../src/base/byte-writer.ts';
import { type Loss, LossCause, Losses } from '../../src/lock/losses.ts';
import { isEntry } from '../../src/node/entry-check.ts';
import { Part } from '../../src/node/snapshot/layout.ts';
import { LossLoader, writeLosses } from '../../src/node/snapshot/loss-parts.ts';
import { WriteFlag } from '../../src/protocol/client-codec.ts';
import { lockPayload } from '../../src/protocol/lock-request.ts';
import { revisionOf } from './support/caller.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, TestSession } from './support/session.ts';

const JOB = Buffer.from('job');

/** Takes the lock; gives the token as epoch.operation. */
function take(world: PartitionWorld, session: TestSession, key = 'job', options = {}): string {
  const atOnce = session.lock(key, 60_000, options);
  world.settle();
  const [, token = ''] = /LKDK (\S+)/.exec([...atOnce, ...session.read()].join()) ?? [];
  return token;
}

/** Breaks what is held under the tokens; gives what is told of it, later. */
function broken(world: PartitionWorld, tokens: readonly string[], key = 'job'): (Loss[] | null)[] {
  const told: (Loss[] | null)[] = [];
  const named = new Set(tokens.map((token) => `${revisionOf(token)}`));
  const begun = world.primary.locks.breaks.begin(Buffer.from(key), named, 'ops:1', (losses) =>
    told.push(losses === null ? null : [...losses]),
  );
  return begun ? told : [[]];
}

function causes(world: PartitionWorld, member: number): string[] {
  return [...world.keptBy(member).state.losses.from(0)].map(
    ({ cause, key, name, by }) => `${cause} ${Buffer.from(key)} ${name} ${by}`,
  );
}

function isSameEverywhere(t: ExecutionContext, world: PartitionWorld): void {
  world.settle();
  const [first, ...others] = world.kept.map(({ state }) => [...state.losses.from(0)]);
  for (const other of others) t.deepEqual(other, first);
}

test('a broken lock passes on once every replica knows; the holder releases in vain', (t) => {
  const world = new PartitionWorld({ backups: 2 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  const token = take(world, anna);
  bert.lock('job', 60_000);
  world.settle();
  bert.read();
  const told = broken(world, [token]);
  t.deepEqual(told, [], 'it is not committed yet');
  world.settle();
  t.is(told.length, 1);
  t.like(told[0]?.[0], { cause: LossCause.broken, name: `host:${anna.hex}`, by: 'ops:1', session: anna.hex });
  t.regex(bert.read().join(), /LKDK/);
  anna.unlock('job', token);
  world.settle();
  t.regex(anna.read().join(), /KV_NOT_HELD/);
  isSameEverywhere(t, world);
  t.deepEqual(causes(world, 2), [`${LossCause.broken} job host:${anna.hex} ops:1`]);
});

test('only what is held under the token; nobody under it: nothing is done', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  const read = { payload: lockPayload(3, 0, 0, 'reads') };
  const first = take(world, anna, 'job', read);
  const second = take(world, bert, 'job', read);
  t.not(first, second);
  t.deepEqual(broken(world, ['9.99']), [[]]);
  const told = broken(world, [second]);
  world.settle();
  t.deepEqual(
    told[0]?.map(({ session, label }) => [session, label]),
    [[bert.hex, 'reads']],
  );
  const { locks } = world.primary.state;
  const held = locks.firstGranted(locks.find(JOB, 0, 3));
  t.true(locks.requests.hasToken(held, 9, Number(first.split('.')[1])));
  t.is(locks.grantedAfter(held), -1);
});

test('a lock that is being converted is broken as a whole', (t) => {
  const world = new PartitionWorld();
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  const read = { payload: lockPayload(3, 0, 0, '') };
  const token = take(world, anna, 'job', read);
  take(world, bert, 'job', read);
  const conversion = Buffer.from([5, 0, 0, 0, 1]);
  anna.lock('job', 60_000, { revision: token, payload: conversion });
  t.is(world.primary.state.locks.waiting, 1);
  broken(world, [token]);
  const { locks } = world.primary.state;
  t.is(locks.waiting, 0);
  t.is(locks.requests.attachment(locks.firstGranted(locks.find(JOB, 0, 3))), 1);
});

/** Anna reads under a token and converts to exclusive under another; Bert waits. Nothing is committed from the conversion on. */
function converting(): { world: PartitionWorld; anna: TestSession; bert: TestSession; token: string } {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert] = sessions(world, 'a', 'b') as [TestSession, TestSession];
  const token = take(world, anna, 'job', { payload: lockPayload(3, 0, 0, 'nightly') });
  bert.lock('job', 60_000);
  world.settle();
  anna.lock('job', 60_000, { revision: token, payload: EXCLUSIVE_OF_FIRST });
  return { world, anna, bert, token };
}

const EXCLUSIVE_OF_FIRST = Buffer.from([5, 0, 0, 0, 1]);

/** Of those that one break took away: token, mode, label. */
function shown(told: readonly (readonly Loss[] | null)[]): unknown {
  return told.map((losses) => losses?.map(({ operation, mode, label }) => [`9.${operation}`, mode, label]));
}

test('a conversion that is granted before the break is applied saves nobody; it is told under the token that was named', (t) => {
  const { world, anna, bert, token } = converting();
  const told = broken(world, [token]);
  world.settle();
  const [, converted = ''] = /LKDK (\S+)/.exec(anna.read().join()) ?? [];
  t.not(converted, token, 'it was granted');
  t.deepEqual(shown(told), [[[token, 3, 'nightly']]]);
  t.regex(bert.read().join(), /LKDK/);
  for (const one of [token, converted]) anna.unlock('job', one);
  world.settle();
  t.is(
    anna
      .read()
      .join()
      .match(/KV_NOT_HELD/g)?.length,
    2,
  );
  isSameEverywhere(t, world);
});

test('the token from before a conversion is as good as the one that it brought', (t) => {
  const { world, bert, token } = converting();
  world.settle();
  bert.read();
  const told = broken(world, [token]);
  world.settle();
  t.deepEqual(shown(told), [[[token, 3, 'nightly']]]);
  t.regex(bert.read().join(), /LKDK/);
  isSameEverywhere(t, world);
});

test('a conversion that is undone before the break is applied saves nobody', (t) => {
  for (const named of ['before', 'after']) {
    const { world, anna, bert, token } = converting();
    world.settle();
    const [, converted = ''] = /LKDK (\S+)/.exec(anna.read().join()) ?? [];
    bert.read();
    anna.cancel('job', 2);
    const asked = named === 'before' ? token : converted;
    const told = broken(world, [asked]);
    world.settle();
    t.deepEqual(shown(told), [[[asked, 3, 'nightly']]]);
    t.regex(bert.read().join(), /LKDK/);
    isSameEverywhere(t, world);
  }
});

test('nor does one downward after it', (t) => {
  for (const named of ['before', 'after']) {
    const { world, anna, bert, token } = converting();
    world.settle();
    const [, converted = ''] = /LKDK (\S+)/.exec(anna.read().join()) ?? [];
    bert.read();
    anna.lock('job', 0, { revision: converted, payload: Buffer.from([1, 0, 0, 0, 2]) });
    const asked = named === 'before' ? token : converted;
    const told = broken(world, [asked]);
    world.settle();
    t.deepEqual(shown(told), [[[asked, 1, 'nightly']]]);
    t.regex(bert.read().join(), /LKDK/);
    isSameEverywhere(t, world);
  }
});

test('L14: a break is found again under the token that it named, also when that was the oldest of three', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna] = sessions(world, 'a') as [TestSession];
  const token = take(world, anna, 'job', { payload: lockPayload(1, 0, 0, '') });
  anna.lock('job', 0, { revision: token, payload: Buffer.from([3, 0, 0, 0, 1]) });
  world.settle();
  const [, second = ''] = /LKDK (\S+)/.exec(anna.read().join()) ?? [];
  anna.lock('job', 0, { revision: second, payload: Buffer.from([5, 0, 0, 0, 2]) });
  const told = broken(world, [token]);
  world.settle();
  const [, third = ''] = /LKDK (\S+)/.exec(anna.read().join()) ?? [];
  t.is(new Set([token, second, third]).size, 3);
  t.deepEqual(shown(told), [[[token, 3, '']]]);
  for (const { state } of world.kept)
    t.deepEqual(shown([state.losses.of(JOB)]), [[[token, 3, '']]], 'where a request that is sent again looks');
  t.is(world.primary.state.locks.size, 0);
});

test('what is let go of before the break is applied, and taken again, is not hit', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna] = sessions(world, 'a') as [TestSession];
  const token = take(world, anna);
  anna.unlock('job', token);
  anna.lock('job', 0);
  const told = broken(world, [token]);
  world.settle();
  t.deepEqual(told, [[]]);
  t.is(world.primary.state.locks.size, 1);
});

test('a lock-delay is ended', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna] = sessions(world, 'a', 'b') as [TestSession];
  const token = take(world, anna, 'job', { payload: lockPayload(5, 0, 600_000, '') });
  for (let passed = 0; passed < 12; passed += 1) {
    world.primary.renew('62'.repeat(16));
    world.pass(1000);
    world.settle();
  }
  t.is(world.primary.state.locks.size, 1);
  const told = broken(world, [token]);
  world.settle();
  t.is(told[0]?.[0]?.cause, LossCause.delayEnded);
  t.is(world.primary.state.locks.size, 0);
  isSameEverywhere(t, world);
  t.deepEqual(causes(world, 1), [`${LossCause.expired} job host:${anna.hex} `, `${LossCause.delayEnded} job  ops:1`]);
  t.is([...world.primary.state.losses.from(0)][0]?.delayMs, 600_000);
});

test('closed, given back, expired: each by its cause; a release is no loss', (t) => {
  const world = new PartitionWorld({ backups: 1 });
  const [anna, bert, carl, dora] = sessions(world, 'a', 'b', 'c', 'd') as [
    TestSession,
    TestSession,
    TestSession,
    TestSession,
  ];
  take(world, anna, 'closed');
  world.primary.leave(anna.hex);
  const token = take(world, bert, 'back');
  bert.unlock('back', token, { flags: WriteFlag.givenBack });
  const released = take(world, carl, 'released');
  carl.unlock('released', released);
  take(world, dora, 'expired');
  world.settle();
  world.pass(60_000);
  isSameEverywhere(t, world);
  t.deepEqual(causes(world, 1), [
    `${LossCause.closed} closed host:${anna.hex} `,
    `${LossCause.givenBack} back host:${bert.hex} `,
    `${LossCause.expired} expired host:${dora.hex} `,
  ]);
});

test('another primary knows what was lost; whoever asked for a break is told that it is not certain', (t) => {
  const world = new PartitionWorld({ backups: 2 });
  const [anna] = sessions(world, 'a') as [TestSession];
  const token = take(world, anna);
  broken(world, [token]);
  world.settle();
  const again = take(world, anna, 'other');
  world.silent.add(0);
  world.silent.add(1);
  const told = broken(world, [again], 'other');
  world.elect(1, 12);
  t.deepEqual(told, [null]);
  t.deepEqual(causes(world, 1), [`${LossCause.broken} job host:${anna.hex} ops:1`]);
});

test('losses go along in a snapshot', (t) => {
  const world = new PartitionWorld();
  for (let round = 0; round < 70; round += 1) {
    const session = new TestSession(world, String.fromCharCode(200 + round));
    take(world, session, `lock ${round}`, { payload: lockPayload(5, 6, 0, 'a label ü') });
    world.primary.leave(session.hex);
  }
  const { losses } = world.primary.state;
  const writer = new ByteWriter();
  writeLosses(writer, losses);
  const bytes = writer.finish();
  const copy = new Losses();
  const loader = new LossLoader(copy);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + Buffer.from(bytes).readUInt32BE(at + 1);
    if (bytes[at] === Part.losses) loader.begin(bytes, at + 5, end);
    else loader.loss(bytes, at + 5, end);
    at = end;
  }
  loader.done();
  t.deepEqual([...copy.from(0)], [...losses.from(0)]);
  t.is(copy.added, 70);
  t.is(copy.sinceMs, losses.sinceMs);
});

test('losses in a snapshot that cannot be are refused', (t) => {
  const head = (added: number): Uint8Array => {
    const writer = new ByteWriter();
    writer.u48(added);
    writer.u48(0);
    return writer.finish();
  };
  const loader = new LossLoader(new Losses());
  t.throws(() => loader.begin(new Uint8Array(3), 0, 3), { code: 'KV_BAD_FRAME' });
  const short = new LossLoader(new Losses());
  short.begin(head(2), 0, 12);
  t.throws(() => short.done(), { code: 'KV_BAD_FRAME' });
  for (let length = 0; length < 60; length += 1) {
    const one = new LossLoader(new Losses());
    t.throws(() => one.loss(new Uint8Array(length).fill(1), 0, length), { code: 'KV_BAD_FRAME' });
  }
});

test('entries with and without the mark have their layout', (t) => {
  const cancel = (length: number): boolean => {
    const bytes = new Uint8Array(length + 100);
    bytes[0] = 10;
    return isEntry(bytes, 0, 7 + length);
  };
  t.deepEqual([12, 13, 14, 21, 22, 40].map(cancel), [false, true, false, false, true, true]);
});
