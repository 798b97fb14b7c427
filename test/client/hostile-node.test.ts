/** A client whose node sends what no node should: requests end with a KeyvalError, nothing else happens. Found by fuzzing. */
import test, { type ExecutionContext } from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import * as op from '../../src/protocol/opcode.ts';
import { bytes, frame, number } from '../../tools/fuzz/world/frames.ts';
import { FuzzedClient, REQUEST_MS } from '../../tools/fuzz/world/fuzzed-client.ts';

const ENDPOINT = '127.0.0.1:6234';

interface TableParts {
  readonly partitions?: number;
  readonly self?: number;
  readonly primary?: number;
}

function welcome({ partitions = 2, self = 0, primary = 0 }: TableParts = {}): Uint8Array {
  const primaries = Array.from({ length: partitions }, () => number(2, primary));
  const table = bytes(number(4, 1), number(2, partitions), number(2, self), number(2, 1), 14, ENDPOINT, ...primaries);
  const node = bytes(number(6, 7), 2, 'c1', 14, ENDPOINT);
  return frame(op.WLCM, 0, number(2, 1), new Uint8Array(8).fill(1), new Uint8Array(32), table, node);
}

/** A client that is logged in. */
async function connected(): Promise<FuzzedClient> {
  const world = new FuzzedClient(ENDPOINT, null);
  await world.rest();
  await say(world, welcome());
  return world;
}

async function say(world: FuzzedClient, sent: Uint8Array): Promise<void> {
  world.channels.at(-1)?.receive(sent);
  await world.rest();
}

/** The error that the request ends with, at its deadline at the latest. */
async function errorOf(t: ExecutionContext, world: FuzzedClient, request: Promise<unknown>): Promise<KeyvalError> {
  let outcome: unknown = null;
  void request.then(
    () => {
      outcome = new Error('it succeeded');
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  for (let step = 0; step < 5 && outcome === null; step += 1) await world.pass(REQUEST_MS);
  t.true(outcome instanceof KeyvalError, String(outcome));
  return outcome as KeyvalError;
}

test('a page that announces more entries than it has', async (t) => {
  const world = await connected();
  const entries = world.client.scan()[Symbol.asyncIterator]();
  const first = entries.next();
  first.catch(() => undefined);
  await world.rest();
  await say(world, frame(op.SCND, 1, number(2, 0), number(8, 1), number(4, 0), number(4, 0xffff_ffff)));
  t.is((await errorOf(t, world, first)).code, 'KV_BAD_FRAME');
});

test('a get that is told to wait in line', async (t) => {
  const world = await connected();
  const get = world.client.get('key');
  await world.rest();
  await say(world, frame(op.WAIT, 1));
  t.is((await errorOf(t, world, get)).code, 'KV_BAD_FRAME');
});

for (const [title, reply] of [
  ['an echo', frame(op.PONG, 1)],
  ['a value', frame(op.GOTK, 1, 1, number(8, 1), number(6, 0), 'value')],
  ['an opcode of zeros', frame(0, 1)],
  ['half a revision', frame(op.DONE, 1, 1, number(4, 1))],
] as const) {
  test(`attaching that is answered with ${title}`, async (t) => {
    const world = await connected();
    const put = world.client.put('key', 'value');
    await world.rest();
    t.notThrows(() => world.channels.at(-1)?.receive(reply));
    await errorOf(t, world, put);
  });
}

test('an increment whose answer lacks the sum may have taken effect', async (t) => {
  const world = await connected();
  const sum = world.client.incr('n');
  await world.rest();
  await say(world, frame(op.DONE, 1, 1, number(8, 1)));
  await say(world, frame(op.DONE, 2, 1, number(8, 2)));
  t.is((await errorOf(t, world, sum)).code, 'KV_AMBIGUOUS');
});

for (const [title, parts] of [
  ['partitions that are no power of two', { partitions: 3 }],
  ['no partitions', { partitions: 0 }],
  ['a primary that is no member', { primary: 1 }],
  ['a sender that is no member', { self: 1 }],
] as const) {
  test(`a welcome whose table has ${title} is refused`, async (t) => {
    const world = new FuzzedClient(ENDPOINT, null);
    const told: string[] = [];
    world.client.on('status', ({ state, error }) => told.push(`${state} ${error?.code}`));
    await world.rest();
    t.notThrows(() => world.channels[0]?.receive(welcome(parts)));
    await world.rest();
    t.is(told[0], 'refused KV_BAD_FRAME');
  });
}

const replies: readonly [
  title: string,
  ask: (world: FuzzedClient) => Promise<unknown>,
  opcode: number,
  bytes: number,
][] = [
  ['a page of an export without its head', (world) => first(world.client.exportPartition(0)), op.XPRD, 54],
  ['a digest without its head', (world) => world.client.digest('key'), op.HSHD, 14],
  ['an account of a load without its head', (world) => world.client.load('{"key":"a","value":"b"}'), op.LODD, 9],
];

async function first(pages: AsyncIterable<unknown>): Promise<unknown> {
  for await (const page of pages) return page;
  return null;
}

for (const [title, ask, opcode, length] of replies) {
  test(title, async (t) => {
    const world = await connected();
    const asked = ask(world);
    asked.catch(() => undefined);
    await world.rest();
    await say(world, frame(opcode, 1, new Uint8Array(length)));
    t.regex((await errorOf(t, world, asked)).message, /answered a request with|connection broke/);
  });
}

test('an account of a load that announces more failures than it has', async (t) => {
  const world = await connected();
  const asked = world.client.load('{"key":"a","value":"b"}');
  asked.catch(() => undefined);
  await world.rest();
  await say(world, frame(op.LODD, 1, number(4, 0), number(4, 2), number(2, 2)));
  t.is((await errorOf(t, world, asked)).code, 'KV_BAD_FRAME');
});
