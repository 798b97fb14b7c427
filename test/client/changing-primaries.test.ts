/** The client follows primaries that change: redirects, pushes of the table, and writes that are sent again (R16, R22, R24). */
import test from 'ava';
import { codes, KeyvalError } from '../../src/errors.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, ATTACHMENT, B, C, ClientWorld, NONE, NOTHING_THERE, TIMEOUT_MS, writeIn } from './support/world.ts';

/** One partition: every key is in it. */
const primaryA = { version: 1, primaries: [0] };
const primaryB = { version: 2, primaries: [1] };
const noPrimary = { version: 2, primaries: [NONE] };

const codeOf = async (request: Promise<unknown>): Promise<string> => {
  const error = await request.then(
    () => null,
    (one: unknown) => one,
  );
  return error instanceof KeyvalError ? error.code : String(error);
};

test('a client given one address finds all nodes of the cluster', async (t) => {
  const world = new ClientWorld([B]);
  await world.rest();
  await world.end(B).welcome({ ...primaryA, self: 1 });
  t.deepEqual(world.dialled, [B, A, C]);
});

test('R22: a write whose primary changed is sent again under its sequence', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const put = world.client.put('key', 'value');
  await world.rest();
  const first = world.end(A).only();
  t.is(first.opcode, 'PUTK');
  // A is cut off: it never answers. Another node tells of the new primary.
  await world.end(C).push({ ...primaryB, self: 2 });
  const asked = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'PUTK');
  t.is(asked.length, 1);
  const [again] = asked as [(typeof asked)[0]];
  t.deepEqual(writeIn(again), writeIn(first), 'same attachment, same sequence, same mark: no new attachment');
  t.is(writeIn(again).attachment, ATTACHMENT);
  t.deepEqual(again.body.subarray(4), first.body.subarray(4));
  await world.end(A).done(first, 1n); // too late: nobody waits for it
  await world.end(B).done(again, 99n);
  t.is(await put, 99n);
});

test('R24: a write whose primary changed and that is then refused for good is unknown', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const put = codeOf(world.client.put('key', 'value'));
  await world.rest();
  world.end(A).only();
  await world.end(B).push({ ...primaryB, self: 1 });
  const [again] = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'PUTK');
  await world.end(B).fail(again as never, codes.KV_OUT_OF_MEMORY.wire);
  t.is(await put, 'KV_AMBIGUOUS');
});

test('reads and scans under way are asked again at the new primary', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const get = world.client.get('key');
  const page = world.client.scan()[Symbol.asyncIterator]().next();
  await world.rest();
  t.deepEqual(
    world
      .end(A)
      .asked()
      .map(({ opcode }) => opcode),
    ['GETK', 'SCAN'],
  );
  await world.end(C).push(primaryB);
  const [getAgain, scanAgain] = world.end(B).asked();
  t.deepEqual([getAgain?.opcode, scanAgain?.opcode], ['GETK', 'SCAN']);
  await world.end(B).say(op.GOTK, getAgain?.messageId ?? 0, 1, number(8, 5n), number(6, 0), 'value');
  await world.end(B).say(op.SCND, scanAgain?.messageId ?? 0, number(2, 0), number(8, 1n), number(4, 0), number(4, 0));
  t.is(await get, 'value');
  t.true((await page).done);
});

test('requests go out in the order in which they were first sent', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const puts = ['1', '2', '3'].map((value) => codeOf(world.client.put('key', value)));
  await world.rest();
  await world.end(C).push(primaryB);
  const again = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'PUTK');
  t.deepEqual(
    again.map((one) => writeIn(one).sequence),
    [2, 3, 4],
  );
  for (const one of again) await world.end(B).done(one, 1n);
  await Promise.all(puts);
});

test('a partition without a primary: requests wait, and the next table wakes them', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.end(A).push(noPrimary);
  const get = world.client.get('key');
  await world.rest();
  for (const node of [A, B, C]) t.deepEqual(world.end(node).asked(), []);
  await world.end(C).push({ version: 3, primaries: [2] });
  const asked = world.end(C).only();
  await world.end(C).say(op.GOTK, asked.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
});

test('a partition that has no primary until the deadline is KV_NO_QUORUM', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.end(A).push(noPrimary);
  const get = codeOf(world.client.get('key'));
  await world.pass(TIMEOUT_MS + 100);
  t.is(await get, 'KV_NO_QUORUM');
});

test('R24: an answer that does not come in time is KV_DEADLINE, and what was answered before is its cause', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const get = t.throwsAsync(world.client.get('key'), { code: 'KV_DEADLINE', message: /before that: KV_OVERLOADED, / });
  await world.rest();
  await world.end(A).fail(world.end(A).only(), codes.KV_OVERLOADED.wire);
  await world.pass(TIMEOUT_MS + 100);
  t.is(((await get).cause as KeyvalError).code, 'KV_OVERLOADED');
});

test('while nobody is named instead, the former primary may still answer', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const get = world.client.get('key');
  await world.rest();
  const asked = world.end(A).only();
  await world.end(C).push(noPrimary);
  await world.end(A).say(op.GOTK, asked.messageId, 1, number(8, 5n), number(6, 0), 'value');
  t.is(await get, 'value');
});

test('what waits at a primary that is deposed stays there while another partition moves', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0, 0] });
  const page = world.client.scan()[Symbol.asyncIterator]().next();
  await world.rest();
  const asked = world.end(A).only(); // of partition 0
  await world.end(C).push({ version: 2, primaries: [NONE, 1] });
  await world.end(A).say(op.SCND, asked.messageId, number(2, 0), number(8, 1n), number(4, 0), number(4, 0));
  t.is(world.end(B).only().opcode, 'SCAN', 'of partition 1');
  void page.catch(() => undefined);
});

test('R24: closing while a write looks for its new primary leaves it unknown', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  world.unreachable.add(B);
  await world.end(B).break();
  const put = codeOf(world.client.put('key', 'value'));
  await world.rest();
  await world.end(C).push(primaryB);
  const closed = world.client.close();
  await world.pass(2000);
  await closed;
  t.is(await put, 'KV_AMBIGUOUS');
});

test('an older table, and one known already, change nothing', async (t) => {
  const world = await ClientWorld.connected({ version: 5, primaries: [0] });
  await world.end(B).push({ version: 4, primaries: [1] });
  await world.end(B).push({ version: 5, primaries: [1] });
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.is(world.end(A).only().opcode, 'GETK');
  t.deepEqual(world.end(B).asked(), []);
});

test('a push wakes what waits for its next attempt, at once', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const get = world.client.get('key');
  await world.rest();
  await world.end(A).fail(world.end(A).only(), codes.KV_NO_QUORUM.wire);
  t.deepEqual(world.end(A).asked(), []);
  await world.end(C).push({ ...primaryA, version: 2 });
  const asked = world.end(A).only();
  await world.end(A).say(op.GOTK, asked.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
});

test('for two seconds after a failure attempts are at most 100 ms apart', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const gaps = async (forMs: number): Promise<number> => {
    let longest = 0;
    let lastMs = world.time.monotonicMs();
    for (const untilMs = lastMs + forMs; world.time.monotonicMs() < untilMs; await world.pass(1)) {
      for (const asked of world.end(A).asked()) {
        if (asked.opcode !== 'GETK') continue;
        longest = Math.max(longest, world.time.monotonicMs() - lastMs);
        lastMs = world.time.monotonicMs();
        await world.end(A).fail(asked, codes.KV_NO_QUORUM.wire);
      }
    }
    return longest;
  };
  await world.end(C).break();
  void world.client.get('key', { timeoutMs: 10_000 }).catch(() => undefined);
  await world.rest();
  t.true((await gaps(1900)) <= 100);
  await world.pass(200);
  const later = await gaps(2500);
  t.true(later > 100 && later <= 300, `${later} ms`);
});

test('a redirect is followed; the next table settles it', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const get = world.client.get('key');
  await world.rest();
  await world.end(A).moved(world.end(A).only(), 1);
  await world.pass(10);
  const asked = world.end(B).only();
  await world.end(B).say(op.GOTK, asked.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
  // B had a newer table than the client. It comes, and says otherwise by now.
  await world.end(C).push({ version: 2, primaries: [2] });
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  t.is(world.end(C).only().opcode, 'GETK');
});

test('a redirect to a node that is gone leaves the request with the primary of the table', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  world.unreachable.add(B);
  await world.end(B).break();
  const get = world.client.get('key');
  await world.rest();
  await world.end(A).moved(world.end(A).only(), 1);
  await world.pass(10);
  const asked = world.end(A).only();
  await world.end(A).say(op.GOTK, asked.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
});

test('a node that lags behind cannot lead the client back for good', async (t) => {
  const world = await ClientWorld.connected({ version: 2, primaries: [1] });
  const get = world.client.get('key');
  await world.rest();
  await world.end(B).moved(world.end(B).only(), 0); // B has not heard yet that it is primary
  await world.pass(10);
  t.is(world.end(A).only().opcode, 'GETK'); // A is cut off and never answers
  await world.end(B).push({ version: 2, primaries: [1], self: 1 });
  const asked = world.end(B).only();
  await world.end(B).say(op.GOTK, asked.messageId, 0, number(8, 0n), number(6, 0));
  t.is(await get, null);
});

test('R16: MOVD that says unknown: the write is sent again under its sequence', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const put = world.client.put('key', 'value');
  await world.rest();
  const first = world.end(A).only();
  await world.end(A).moved(first, NONE, 1);
  await world.end(A).push(primaryB);
  const [again] = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'PUTK');
  t.deepEqual(writeIn(again as never), writeIn(first));
  await world.end(B).done(again as never, 5n);
  t.is(await put, 5n);
});

for (const [flags, code] of [
  [0, 'KV_NO_QUORUM'],
  [1, 'KV_AMBIGUOUS'],
] as const) {
  test(`R24: a write redirected ${flags === 0 ? 'undone' : 'unknown'} until its deadline is ${code}`, async (t) => {
    const world = await ClientWorld.connected(primaryA);
    await world.attach(A, 'key');
    const put = codeOf(world.client.put('key', 'value', { timeoutMs: 50 }));
    await world.rest();
    await world.end(A).moved(world.end(A).only(), NONE, flags);
    await world.end(A).push(noPrimary);
    await world.pass(200);
    t.is(await put, code);
  });
}

test('R24: KV_AMBIGUOUS said by a node is the end', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const put = codeOf(world.client.put('key', 'value'));
  await world.rest();
  await world.end(A).fail(world.end(A).only(), codes.KV_AMBIGUOUS.wire);
  t.is(await put, 'KV_AMBIGUOUS');
});

test('R22: a wait in line moves along with the primary', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const wait = world.client.lock('key', { waitMs: 60_000, timeoutMs: 1000 });
  await world.rest();
  const first = world.end(A).only();
  await world.end(A).say(op.WAIT, first.messageId);
  await world.end(C).push(primaryB);
  const [again] = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'LCKK');
  t.is(writeIn(again as never).sequence, writeIn(first).sequence);
  await world.end(B).say(op.WAIT, again?.messageId ?? 0);
  await world.pass(2000); // longer than `timeoutMs`: it stands in line again
  await world.end(B).say(op.LKDK, again?.messageId ?? 0, number(8, 77n), NOTHING_THERE);
  t.is((await wait).token, 77n);
});

test('R24: a wait that finds no line to stand in ends after its timeoutMs', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const wait = codeOf(world.client.lock('key', { waitMs: 60_000, timeoutMs: 1000 }));
  await world.rest();
  await world.end(A).say(op.WAIT, world.end(A).only().messageId);
  await world.end(C).push(primaryB);
  await world.pass(500);
  await world.end(C).push({ version: 3, primaries: [2] }); // does not begin the time anew
  await world.pass(600);
  t.is(await wait, 'KV_AMBIGUOUS');
});

test('R24: so does a wait that has to find its line anew because its session has ended', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const wait = codeOf(world.client.lock('key', { timeoutMs: 1000 }));
  await world.rest();
  const asked = world.end(A).only();
  await world.end(A).say(op.WAIT, asked.messageId);
  await world.pass(5000); // longer than `timeoutMs`: it stands in line
  world.end(A).asked();
  await world.end(A).fail(asked, codes.KV_NO_SESSION.wire);
  await world.pass(200);
  t.is(world.end(A).only().opcode, 'ATCH');
  await world.pass(900);
  t.is(await wait, 'KV_NO_SESSION');
});

test('an attachment that the former primary never answers is asked for anew', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const put = world.client.put('key', 'value');
  await world.rest();
  t.is(world.end(A).only().opcode, 'ATCH');
  await world.end(C).push(primaryB);
  await world.end(B).done(world.end(B).only(), ATTACHMENT);
  const asked = world.end(B).only();
  t.is(writeIn(asked).attachment, ATTACHMENT);
  await world.end(B).done(asked, 3n);
  t.is(await put, 3n);
});

test('a large value on its way to the former primary goes to the new one', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  await world.attach(A, 'key');
  const put = world.client.put('key', 'x'.repeat(100_000));
  await world.rest();
  t.is(world.end(A).asked()[0]?.opcode, 'STGE');
  await world.end(C).push(primaryB);
  await world.pass(10);
  const pieces = world
    .end(B)
    .asked()
    .filter(({ opcode }) => opcode === 'STGE');
  t.is(pieces.length, 2);
  t.true(
    world
      .end(A)
      .asked()
      .some(({ opcode }) => opcode === 'DROP'),
    'the former primary forgets it',
  );
  await world.end(B).say(op.STGD, pieces[0]?.messageId ?? 0);
  const asked = world.end(B).only();
  t.is(asked.opcode, 'PUTK');
  await world.end(B).done(asked, 4n);
  t.is(await put, 4n);
});

test('a digest of one replica is not asked of another', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const check = world.client.check()[Symbol.asyncIterator]().next();
  await world.rest();
  const digest = [0, number(8, 5n), number(6, 1), new Uint8Array(32)];
  await world.end(A).say(op.HSHD, world.end(A).only().messageId, ...digest);
  const [ofB, ofC] = [world.end(B).only(), world.end(C).only()];
  await world.end(C).push({ version: 2, primaries: [2] });
  t.deepEqual(world.end(C).asked(), []);
  await world.end(B).say(op.HSHD, ofB.messageId, ...digest);
  await world.end(C).say(op.HSHD, ofC.messageId, ...digest);
  t.is((await check).value?.verdict, 'same');
});

test('a question to one node is not handed to another', async (t) => {
  const world = await ClientWorld.connected(primaryA);
  const ping = world.client.ping(A);
  await world.rest();
  const asked = world.end(A).only();
  await world.end(C).push(primaryB);
  t.deepEqual(world.end(B).asked(), []);
  await world.end(A).say(op.PONG, asked.messageId);
  t.is((await ping)[0]?.node, A);
});

for (const [title, body] of [
  ['cut short', number(4, 9)],
  ['with a primary that is no member', [number(4, 9), number(2, 1), number(2, 0), number(2, 0), number(2, 3)]],
] as const) {
  test(`a pushed table ${title} costs the node its connection, nothing else`, async (t) => {
    const world = await ClientWorld.connected(primaryA);
    await world.end(C).say(op.TABL, 0, ...(Array.isArray(body) ? body : [body as Uint8Array]));
    t.true(world.end(C).channel.closed);
    t.is(world.told.at(-1), `${C} disconnected`);
    t.false(world.end(A).channel.closed);
  });
}

test('an attachment that is not answered in its time is asked for anew, while the write has time left', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [0] });
  const patient = world.client.put('key', 'v', { timeoutMs: 40_000 });
  const hasty = t.throwsAsync(world.client.put('other', 'v', { timeoutMs: 12_000 }), {
    code: 'KV_NO_QUORUM',
    message: /did not let the session into partition 0 in time/,
  });
  await world.rest();
  t.is(world.end(A).only().opcode, 'ATCH');
  for (let asked = 2; asked <= 3; asked += 1) {
    for (let passed = 0; passed < 10_100; passed += 50) await world.pass(50);
    t.is(
      world
        .end(A)
        .asked()
        .filter(({ opcode }) => opcode === 'ATCH').length,
      1,
      `ATCH ${asked}`,
    );
  }
  await hasty;
  for (let passed = 0; passed < 5000; passed += 50) await world.pass(50);
  const [late] = world
    .end(A)
    .asked()
    .filter(({ opcode }) => opcode === 'ATCH');
  t.is(late, undefined);
  for (let passed = 0; passed < 5100; passed += 50) await world.pass(50);
  const [again] = world
    .end(A)
    .asked()
    .filter(({ opcode }) => opcode === 'ATCH');
  if (again === undefined) return t.fail('no fourth ATCH');
  await world.end(A).done(again, ATTACHMENT);
  await world.end(A).done(world.end(A).only(), ATTACHMENT + 1n);
  t.is(await patient, ATTACHMENT + 1n);
});
