/** R13: stale reads go to any member that is connected, and come back with their age. */
import test from 'ava';
import type { Random } from '../../src/base/ports.ts';
import type { NodeLink } from '../../src/client/node-link.ts';
import { Router } from '../../src/client/router.ts';
import { AGE_UNKNOWN, GotFlag, ReadsFlag } from '../../src/protocol/client-codec.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, B, C, ClientWorld, NONE } from './support/world.ts';

const table = { version: 1, primaries: [0] };
const NODES = [A, B, C];
const LONGER_THAN_PATIENCE_MS = 400;

/** Who was asked since the last look. */
function askedIn(world: ClientWorld): [string, Asked][] {
  return NODES.flatMap((node) =>
    world
      .end(node)
      .asked()
      .map((one): [string, Asked] => [node, one]),
  );
}

function onlyAsked(world: ClientWorld): [string, Asked] {
  const asked = askedIn(world);
  if (asked.length !== 1) throw new Error(`${asked.length} were asked`);
  return asked[0] as [string, Asked];
}

async function answer(world: ClientWorld, [node, { messageId }]: [string, Asked], ageMs: number): Promise<void> {
  const flags = GotFlag.value | GotFlag.stale;
  await world.end(node).say(op.GOTK, messageId, flags, number(8, 5n), number(6, 0), number(4, ageMs), 'value');
}

test('R13: a stale read is labelled with its age', async (t) => {
  const world = await ClientWorld.connected(table);
  const entry = world.client.getEntry('key', { reads: 'stale' });
  await world.rest();
  const asked = onlyAsked(world);
  t.is((asked[1].body[4] as number) & ReadsFlag.mask, ReadsFlag.stale);
  await answer(world, asked, 1234);
  t.deepEqual(await entry, { value: 'value', revision: 5n, ttlMs: null, staleMs: 1234 });

  const value = world.client.get('key', { reads: 'stale' });
  await world.rest();
  await answer(world, onlyAsked(world), 0);
  t.is(await value, 'value', 'a get gives just the value');

  const unbounded = world.client.getEntry('key', { reads: 'stale' });
  await world.rest();
  await answer(world, onlyAsked(world), AGE_UNKNOWN);
  t.is((await unbounded)?.staleMs, Number.POSITIVE_INFINITY);
});

test('R13: what is absent at a replica is null, and any other read has no age', async (t) => {
  const world = await ClientWorld.connected(table);
  const absent = world.client.getEntry('key', { reads: 'stale' });
  await world.rest();
  const [node, { messageId }] = onlyAsked(world);
  await world.end(node).say(op.GOTK, messageId, GotFlag.stale, number(8, 0n), number(6, 0), number(4, 7));
  t.is(await absent, null);
  const fresh = world.client.getEntry('key');
  await world.rest();
  await world.end(A).say(op.GOTK, world.end(A).only().messageId, 1, number(8, 5n), number(6, 0), 'value');
  t.is((await fresh)?.staleMs, null);
});

test('a large value of a stale read comes in pieces behind its age', async (t) => {
  const world = await ClientWorld.connected(table);
  const entry = world.client.getEntry('key', { reads: 'stale' });
  await world.rest();
  const [node, { messageId }] = onlyAsked(world);
  const flags = GotFlag.value | GotFlag.fragmented | GotFlag.stale;
  await world.end(node).say(op.GOTK, messageId, flags, number(8, 5n), number(6, 0), number(4, 99), number(4, 6));
  await world.end(node).say(op.FRAG, messageId, number(4, 0), 'val');
  await world.end(node).say(op.FRAG, messageId, number(4, 3), 'ue!');
  t.like(await entry, { value: 'value!', staleMs: 99 });
});

/** A router whose members are connected, and owe so many answers each; −1: not connected. */
function routerOver(owed: readonly number[]): { router: Router; links: NodeLink[] } {
  const router = new Router();
  const links = owed.map((size) => ({ up: size >= 0, pending: { size } }) as unknown as NodeLink);
  const primaries = new Uint16Array([0]);
  const members = [...links.keys()].map(String);
  const routing = { version: 1, partitions: 1, self: 0, members, primaries };
  router.learn(routing, (address) => links[Number(address)] as NodeLink, true);
  return { router, links };
}

/** Draws the given numbers, over and over. */
function drawing(...numbers: readonly number[]): Random {
  let next = 0;
  return { u32: () => numbers[next++ % numbers.length] as number, fill: () => undefined };
}

test('stale reads are spread by chance; of two drawn the one that owes fewer answers is asked', (t) => {
  const { router, links } = routerOver([0, 0, 0]);
  const drawn = [0, 1, 2].map((number) => links.indexOf(router.someUp(drawing(number), null) as NodeLink));
  t.deepEqual(drawn, [0, 1, 2]);
  const frozen = routerOver([0, 9, 0]);
  t.is(frozen.router.someUp(drawing(1, 2), null), frozen.links[2] ?? null);
  t.is(frozen.router.someUp(drawing(0, 1), null), frozen.links[0] ?? null);
});

test('stale reads go to nobody who is not connected, nor again to the one asked just now', (t) => {
  const { router, links } = routerOver([-1, 0, -1]);
  for (const number of [0, 1, 2]) t.is(router.someUp(drawing(number), null), links[1] ?? null);
  t.is(router.someUp(drawing(0), links[1] as NodeLink), null);
});

test('R13: a member that does not keep the partition says so, and the primary is asked', async (t) => {
  const world = await ClientWorld.connected(table);
  const get = world.client.get('key', { reads: 'stale' });
  await world.rest();
  const [node, asked] = onlyAsked(world);
  t.not(node, A, 'the random numbers of this world lead to another one first');
  await world.end(node).moved(asked, 0);
  await world.pass(20);
  const again = onlyAsked(world);
  t.is(again[0], A);
  await answer(world, again, 0);
  t.is(await get, 'value');
});

test('a stale read needs no primary', async (t) => {
  const world = await ClientWorld.connected({ version: 1, primaries: [NONE] });
  const get = world.client.get('key', { reads: 'stale' });
  await world.rest();
  await answer(world, onlyAsked(world), 60_000);
  t.is(await get, 'value');
});

test('R13: a member that does not answer is given up for another one, and its late answer is nobody’s', async (t) => {
  const world = await ClientWorld.connected(table);
  const get = world.client.getEntry('key', { reads: 'stale' });
  await world.rest();
  const frozen = onlyAsked(world);
  await world.pass(LONGER_THAN_PATIENCE_MS);
  const second = onlyAsked(world);
  t.not(second[0], frozen[0]);
  await answer(world, frozen, 1);
  await answer(world, second, 2);
  t.is((await get)?.staleMs, 2);
});

test('a node that labels as stale what was not asked so is not followed', async (t) => {
  const world = await ClientWorld.connected(table);
  void world.client.get('key').catch(() => undefined);
  await world.rest();
  await answer(world, onlyAsked(world), 1);
  t.true(world.told.includes(`${A} disconnected`));
});
