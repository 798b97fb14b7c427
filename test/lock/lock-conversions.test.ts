/** Modes, conversions and lock-delay by example: L7, L13. */
import test from 'ava';
import { EPOCH, NamedLocks } from './support/named-locks.ts';

const NONE = -1;

test('L7: readers share; who writes waits for all of them', (t) => {
  const locks = new NamedLocks();
  t.is(locks.acquire('a', 'anna', 'read'), 'granted');
  t.is(locks.acquire('a', 'bert', 'read'), 'granted');
  t.is(locks.attempt('a', 'carl', 'protected write'), 'busy');
  t.is(locks.attempt('a', 'carl', 'concurrent read'), 'granted');
  t.is(locks.acquire('a', 'dora', 'write'), 'queued');
  for (const who of ['anna', 'carl']) locks.release('a', who);
  t.deepEqual(locks.news, []);
  locks.release('a', 'bert');
  t.deepEqual(locks.holders('a'), ['dora write 8']);
});

test('L7: those who go together are granted in one step, under one token', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'write');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('a', 'carl', 'concurrent read');
  locks.acquire('a', 'dora', 'read');
  locks.release('a', 'anna');
  t.deepEqual(locks.news, ['bert read', 'carl concurrent read', 'dora read']);
  t.deepEqual(locks.holders('a'), ['bert read 5', 'carl concurrent read 5', 'dora read 5']);
});

test('L5: readers that come later do not starve a writer', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'write');
  t.is(locks.attempt('a', 'carl', 'read'), 'busy');
  t.is(locks.acquire('a', 'carl', 'read'), 'queued');
  locks.release('a', 'anna');
  t.deepEqual(locks.holders('a'), ['bert write 5']);
  t.deepEqual(locks.waiters('a'), ['carl read']);
});

test('L7: null is granted at once, whoever holds it and waits', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'write');
  locks.acquire('a', 'bert', 'write');
  t.is(locks.attempt('a', 'carl', 'null'), 'granted');
  locks.release('a', 'anna');
  t.deepEqual(locks.holders('a'), ['bert write 4', 'carl null 3']);
});

test('L7: a conversion upward is a grant with a new token', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  t.is(locks.convert('a', 'anna', 'write'), 'granted');
  t.deepEqual(locks.holders('a'), ['anna write 2']);
  t.is(locks.table.requests.sequence(locks.grantOf('a', 'anna')), 2);
  t.is(locks.attempt('a', 'bert', 'read'), 'busy');
});

test('L7: a conversion upward waits for the other readers, and goes before the queue', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('a', 'carl', 'write');
  t.is(locks.convert('a', 'anna', 'write'), 'queued');
  t.deepEqual(locks.converting('a'), ['anna write']);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 2'], 'it is held as it was, meanwhile');
  t.is(locks.acquire('a', 'dora', 'read'), 'queued', 'nobody comes between');
  locks.release('a', 'bert');
  t.deepEqual(locks.news, ['anna write']);
  t.deepEqual(locks.holders('a'), ['anna write 6']);
  t.deepEqual(locks.waiters('a'), ['carl write', 'dora read']);
  t.is(locks.table.waiting, 2);
});

test('L7: who does not wait for another mode keeps the one that it has', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  t.is(locks.convert('a', 'anna', 'write', false), 'busy');
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 2']);
  t.is(locks.table.waiting, 0);
});

test('L7, L10: of two readers that both want to write the second is told that it is a deadlock', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  t.is(locks.convert('a', 'anna', 'write'), 'queued');
  t.is(locks.convert('a', 'bert', 'write'), 'deadlock');
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 2']);
  locks.release('a', 'bert');
  t.deepEqual(locks.holders('a'), ['anna write 5']);
});

test('L7: two conversions that do not stand in the way of each other are no deadlock', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'protected write');
  locks.acquire('a', 'bert', 'concurrent read');
  locks.acquire('a', 'carl', 'concurrent read');
  t.is(locks.convert('a', 'anna', 'write'), 'queued');
  t.is(locks.convert('a', 'bert', 'read'), 'deadlock', 'anna waits for bert, and bert for anna');
  t.is(locks.convert('a', 'bert', 'null'), 'granted');
  t.is(locks.convert('a', 'bert', 'read'), 'queued', 'anna does not wait for bert');
  locks.release('a', 'carl');
  t.deepEqual(locks.news, ['anna write']);
  locks.convert('a', 'anna', 'read');
  t.deepEqual(locks.holders('a'), ['bert read 9', 'anna read 8']);
});

test('L5, L7: holders that convert up and down in turn do not put off a conversion for ever', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl']) locks.acquire('a', who, 'concurrent read');
  locks.convert('a', 'bert', 'concurrent write');
  t.is(locks.convert('a', 'anna', 'read'), 'queued');
  t.is(locks.convert('a', 'carl', 'concurrent write', false), 'busy', 'anna came first');
  t.is(locks.convert('a', 'carl', 'concurrent write'), 'queued');
  t.is(locks.convert('a', 'bert', 'concurrent read'), 'granted', 'downward is at once');
  t.deepEqual(locks.news, ['anna read']);
  t.is(locks.convert('a', 'bert', 'concurrent write'), 'queued');
  t.deepEqual(locks.converting('a'), ['carl concurrent write', 'bert concurrent write']);
  locks.convert('a', 'anna', 'null');
  t.deepEqual(locks.news, ['carl concurrent write', 'bert concurrent write']);
});

test('L5, L7: a conversion that the holders allow waits behind one that they do not', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl']) locks.acquire('a', who, 'concurrent read');
  locks.convert('a', 'bert', 'read');
  t.is(locks.convert('a', 'anna', 'concurrent write'), 'queued');
  t.is(locks.convert('a', 'carl', 'read'), 'queued');
  locks.cancel('a', 'anna');
  t.deepEqual(locks.news, ['carl read']);
});

test('L7: a conversion goes before one that waits for what its holder has already', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl']) locks.acquire('a', who, 'concurrent read');
  t.is(locks.convert('a', 'anna', 'write'), 'queued');
  t.is(locks.convert('a', 'bert', 'concurrent write'), 'granted', 'anna waits for bert in any case');
  t.is(locks.convert('a', 'bert', 'null'), 'granted');
  t.is(locks.convert('a', 'bert', 'concurrent write'), 'queued', 'and no longer now');
  t.deepEqual(locks.waiters('a'), ['bert concurrent write']);
});

test('L5, L7: it stands behind those that do not wait for its holder', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl', 'dora']) locks.acquire('a', who, 'concurrent read');
  locks.convert('a', 'dora', 'concurrent write');
  t.is(locks.convert('a', 'anna', 'read'), 'queued', 'for dora');
  t.is(locks.convert('a', 'bert', 'write'), 'queued', 'for all');
  t.is(locks.convert('a', 'carl', 'concurrent write'), 'queued');
  t.deepEqual(locks.converting('a'), ['anna read', 'carl concurrent write', 'bert write']);
  locks.convert('a', 'dora', 'concurrent read');
  t.deepEqual(locks.news, ['anna read']);
  locks.convert('a', 'anna', 'concurrent read');
  t.deepEqual(locks.news, ['carl concurrent write']);
});

test('L7, L10: two that wait for each other in their turn are told at once, whoever else waits', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert', 'carl', 'dora']) locks.acquire('a', who, 'concurrent read');
  locks.convert('a', 'dora', 'concurrent write');
  t.is(locks.convert('a', 'anna', 'read'), 'queued');
  t.is(locks.convert('a', 'bert', 'write'), 'queued');
  t.is(locks.convert('a', 'carl', 'write', false), 'busy');
  t.is(locks.convert('a', 'carl', 'write'), 'deadlock', 'with bert');
  t.is(locks.convert('a', 'dora', 'protected write'), 'granted', 'anna and bert wait for it in any case');
});

test('L7: downward is at once, keeps the token and lets others in', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'write');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('a', 'carl', 'read');
  t.is(locks.convert('a', 'anna', 'read', false), 'granted');
  t.deepEqual(locks.news, ['bert read', 'carl read']);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 4', 'carl read 4']);
});

test('L7: there is no way sideways but through a mode that both include', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent write');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('b', 'anna', 'read');
  t.throws(() => locks.convert('a', 'anna', 'read'), { name: 'AssertionError' });
  t.throws(() => locks.convert('b', 'anna', 'concurrent write'), { name: 'AssertionError' });
  t.deepEqual(locks.holders('a'), ['anna concurrent write 1']);
  t.deepEqual(locks.holders('b'), ['anna read 3']);
  t.is(locks.convert('a', 'anna', 'concurrent read'), 'granted');
  t.deepEqual(locks.news, ['bert read']);
  t.is(locks.convert('a', 'anna', 'read'), 'granted');
  t.deepEqual(locks.holders('a'), ['anna read 7', 'bert read 6']);
});

test('L5, L7: a conversion from null stands in line like a new request', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'null');
  locks.acquire('a', 'carl', 'write');
  t.is(locks.convert('a', 'bert', 'read', false), 'busy', 'it does not pass who waits');
  t.is(locks.convert('a', 'bert', 'read'), 'queued');
  locks.acquire('a', 'dora', 'read');
  t.deepEqual(locks.converting('a'), []);
  t.deepEqual(locks.waiters('a'), ['carl write', 'bert read', 'dora read']);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert null 2'], 'it is held in null, meanwhile');
  t.is(locks.table.waiting, 3);
  locks.release('a', 'anna');
  t.deepEqual(locks.news, ['carl write']);
  locks.release('a', 'carl');
  t.deepEqual(locks.news, ['bert read', 'dora read']);
  t.deepEqual(locks.holders('a'), ['bert read 8', 'dora read 8']);
});

test('L5, L7: who goes to null and back again and again does not starve a writer', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('a', 'carl', 'write');
  t.is(locks.convert('a', 'anna', 'null'), 'granted');
  t.is(locks.convert('a', 'anna', 'read'), 'queued');
  t.is(locks.convert('a', 'bert', 'null'), 'granted');
  t.deepEqual(locks.news, ['carl write']);
  t.is(locks.convert('a', 'bert', 'read'), 'queued');
  t.deepEqual(locks.waiters('a'), ['anna read', 'bert read']);
});

test('L7: a conversion from null that nobody minds is granted at once', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'null');
  locks.acquire('a', 'bert', 'read');
  t.is(locks.convert('a', 'anna', 'read', false), 'granted');
  t.deepEqual(locks.holders('a'), ['anna read 3', 'bert read 2']);
});

test('L7: a conversion from another mode passes those in line, one from null does not pass it', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent read');
  locks.acquire('a', 'bert', 'read');
  locks.acquire('a', 'dora', 'null');
  locks.acquire('a', 'carl', 'write');
  t.is(locks.convert('a', 'anna', 'read'), 'granted', 'carl waits, and anna is before him');
  t.is(locks.convert('a', 'anna', 'write'), 'queued');
  t.is(locks.convert('a', 'dora', 'concurrent read'), 'queued');
  locks.cancel('a', 'carl');
  t.deepEqual(locks.news, [], 'though all holders go with dora');
  t.deepEqual(locks.waiters('a'), ['dora concurrent read']);
  locks.cancel('a', 'anna');
  t.deepEqual(locks.news, ['dora concurrent read']);
});

test('L5, L7: a conversion from null that is given up leaves the line, and the lock is held in null', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'null');
  locks.convert('a', 'bert', 'write');
  locks.acquire('a', 'carl', 'read');
  locks.cancel('a', 'bert');
  const { table } = locks;
  t.deepEqual(table.ended.slice(0, table.endedCount), [locks.grantOf('a', 'bert')]);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert null 2', 'carl read 5']);
  t.is(table.waiting, 0);
  locks.convert('a', 'bert', 'write');
  locks.release('a', 'bert');
  t.is(table.waiting, 0);
  t.deepEqual(locks.waiters('a'), []);
  t.deepEqual(locks.holders('a'), ['anna read 1', 'carl read 5']);
});

test('L5, L7: a conversion that is given up leaves what was held, and lets in who waited behind it', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  locks.convert('a', 'anna', 'write');
  locks.acquire('a', 'carl', 'read');
  locks.cancel('a', 'anna');
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 2', 'carl read 5']);
  t.is(locks.table.waiting, 0);
  t.is(locks.table.conversionOf(locks.grantOf('a', 'anna')), undefined);
});

test('L5, L7: a granted conversion that is given up brings back mode, token and request of before', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.convert('a', 'anna', 'write');
  locks.acquire('a', 'bert', 'read');
  locks.revert('a', 'anna');
  t.deepEqual(locks.holders('a'), ['anna read 1', 'bert read 4']);
  const held = locks.grantOf('a', 'anna');
  t.is(locks.table.requests.sequence(held), 1);
  t.is(locks.table.requests.sinceMs(held), 1001);
  t.is(locks.table.formerOf(held), undefined);
});

test('L5, L7: after a conversion downward there is nothing to bring back', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent write');
  locks.convert('a', 'anna', 'write');
  locks.convert('a', 'anna', 'read');
  locks.acquire('a', 'bert', 'read');
  locks.revert('a', 'anna');
  t.deepEqual(locks.holders('a'), ['anna read 2', 'bert read 4']);
  t.is(locks.table.requests.sequence(locks.grantOf('a', 'anna')), 2);
});

test('L5, L7: what is brought back after two conversions upward is what the last one came from', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent read');
  locks.convert('a', 'anna', 'read');
  locks.convert('a', 'anna', 'write');
  locks.revert('a', 'anna');
  t.deepEqual(locks.holders('a'), ['anna read 2']);
});

test('L5, L7: what was granted upward and weakened can be converted and brought back again', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.convert('a', 'anna', 'write');
  locks.convert('a', 'anna', 'concurrent read');
  locks.convert('a', 'anna', 'write');
  t.deepEqual(locks.holders('a'), ['anna write 4']);
  locks.revert('a', 'anna');
  t.deepEqual(locks.holders('a'), ['anna concurrent read 2']);
});

test('L9: a token counts in a mode that writes, and no other', (t) => {
  const locks = new NamedLocks();
  const counts = ['null', 'concurrent read', 'concurrent write', 'read', 'protected write', 'write'] as const;
  const found = counts.filter((mode) => {
    locks.acquire(mode, 'anna', mode);
    return locks.isFence(mode, locks.operation);
  });
  t.deepEqual(found, ['concurrent write', 'protected write', 'write']);
});

test('L9: whoever holds it in a mode that does not write is not looked at for a fence, nor for the exclusive holder', (t) => {
  const locks = new NamedLocks();
  for (let count = 0; count < 100; count += 1) locks.acquire('a', 'anna', 'null');
  locks.acquire('a', 'bert');
  const { table, operation } = locks;
  let looks = 0;
  const { isAbandoned, mode } = table.requests;
  table.requests.isAbandoned = (request): boolean => {
    looks += 1;
    return isAbandoned.call(table.requests, request);
  };
  table.requests.mode = (request): number => {
    looks += 1;
    return mode.call(table.requests, request);
  };
  t.true(locks.isFence('a', operation));
  t.false(locks.isFence('a', 1));
  t.is(table.holding(locks.slot('a'), 1, EPOCH, operation, 0), locks.last);
  t.true(looks < 10, `${looks}`);
});

test('L7: those whose modes write are named first, each in the order in which they began to, whatever they had before', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent read');
  locks.acquire('a', 'bert', 'concurrent write');
  t.deepEqual(locks.holders('a'), ['bert concurrent write 2', 'anna concurrent read 1']);
  locks.convert('a', 'anna', 'concurrent write');
  t.deepEqual(locks.holders('a'), ['bert concurrent write 2', 'anna concurrent write 3']);
  locks.convert('a', 'bert', 'null');
  locks.revert('a', 'anna');
  t.deepEqual(locks.holders('a'), ['bert null 2', 'anna concurrent read 1']);
});

test('L9: the token before a conversion upward counts on, if that mode wrote', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'protected write');
  locks.convert('a', 'anna', 'write');
  t.deepEqual([locks.isFence('a', 1), locks.isFence('a', 2)], [true, true]);
  locks.acquire('b', 'anna', 'read');
  locks.convert('b', 'anna', 'write');
  t.deepEqual([locks.isFence('b', 3), locks.isFence('b', 4)], [false, true]);
});

test('L9: whoever goes down to a mode that reads writes no more, under neither token', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'concurrent write');
  locks.convert('a', 'anna', 'write');
  locks.convert('a', 'anna', 'read');
  t.deepEqual([locks.isFence('a', 1), locks.isFence('a', 2)], [false, false]);
  locks.convert('a', 'anna', 'write');
  t.deepEqual(
    [1, 2, 4].map((token) => locks.isFence('a', token)),
    [false, false, true],
  );
});

test('L9: while a conversion waits the token that it has counts, as its mode allows', (t) => {
  const locks = new NamedLocks();
  for (const who of ['anna', 'bert']) locks.acquire('a', who, 'concurrent write');
  locks.convert('a', 'anna', 'write');
  t.deepEqual(
    [1, 2, 3].map((token) => locks.isFence('a', token)),
    [true, true, false],
  );
  locks.release('a', 'bert');
  t.deepEqual(
    [1, 2, 4].map((token) => locks.isFence('a', token)),
    [true, false, true],
  );
});

test('L7: who lets go while it waits for another mode waits no longer', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  const anna = locks.last;
  locks.acquire('a', 'bert', 'read');
  locks.convert('a', 'anna', 'write');
  locks.acquire('a', 'carl', 'read');
  locks.release('a', 'anna');
  const { table } = locks;
  t.deepEqual(table.ended.slice(0, table.endedCount), [anna]);
  t.deepEqual(locks.holders('a'), ['bert read 2', 'carl read 5']);
});

test('L7: many readers come and go, and nothing is left of them', (t) => {
  const locks = new NamedLocks();
  for (let count = 0; count < 100; count += 1) locks.acquire('a', 'anna', 'read');
  t.is(locks.holders('a').length, 100);
  t.is(locks.table.size, 1);
  for (let count = 0; count < 100; count += 1) locks.release('a', 'anna');
  t.is(locks.table.size, 0);
  t.is(locks.acquire('a', 'bert', 'write'), 'granted');
});

test('L13: what is abandoned is held by nobody, and locked until its time is up', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna');
  const { table } = locks;
  const { requests } = table;
  locks.acquire('a', 'bert');
  locks.abandon('a', 'anna', 5000);
  t.deepEqual(locks.holders('a'), ['nobody write 1']);
  t.is(table.firstHeld(0), NONE);
  t.is(table.heldFor(0, 1), NONE);
  t.false(table.isHeldUnder(locks.slot('a'), 9, 1), 'L9: its token is of no use any longer');
  t.deepEqual(
    [...requests.abandoned].map((request) => requests.untilMs(request)),
    [5000],
  );
  t.is(locks.attempt('a', 'carl'), 'busy');
  locks.endDelay('a', 1);
  t.deepEqual(locks.holders('a'), ['bert write 5']);
  t.is(requests.abandonedCount, 0);
});

test('L13: what a reader abandons keeps out writers alone', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'read');
  locks.abandon('a', 'anna', 5000);
  t.is(locks.acquire('a', 'bert', 'read'), 'granted');
  t.is(locks.acquire('a', 'carl', 'write'), 'queued');
  locks.release('a', 'bert');
  t.deepEqual(locks.news, []);
  locks.endDelay('a', 1);
  t.deepEqual(locks.news, ['carl write']);
});

test('L13: several that were granted in one step end each when it is due, under one token', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'write');
  for (const who of ['bert', 'carl', 'dora']) locks.acquire('a', who, 'read');
  locks.release('a', 'anna');
  locks.acquire('a', 'anna', 'write');
  for (const [who, untilMs] of [
    ['bert', 5000],
    ['carl', 7000],
    ['dora', 5000],
  ] as const)
    locks.abandon('a', who, untilMs);
  locks.endDelay('a', 5, 4999);
  t.is(locks.holders('a').length, 3);
  locks.endDelay('a', 4, 9000);
  t.is(locks.holders('a').length, 3, 'another token');
  locks.endDelay('a', 5, 5000);
  t.deepEqual(locks.holders('a'), ['nobody read 5']);
  t.deepEqual(
    [...locks.table.requests.abandoned].map((one) => locks.table.requests.untilMs(one)),
    [7000],
  );
  locks.endDelay('a', 5, 6999);
  t.deepEqual(locks.news, []);
  locks.endDelay('a', 5, 7000);
  t.deepEqual(locks.news, ['anna write']);
});

test('L13: who holds it under the token of what was abandoned holds it on', (t) => {
  const locks = new NamedLocks();
  locks.acquire('a', 'anna', 'write');
  for (const who of ['bert', 'carl']) locks.acquire('a', who, 'read');
  locks.release('a', 'anna');
  locks.abandon('a', 'bert', 5000);
  locks.endDelay('a', 4, 5000);
  t.deepEqual(locks.holders('a'), ['carl read 4']);
});
