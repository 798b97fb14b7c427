/** Questions to nodes end with the signal of whoever asks, as all other requests do, and leave nothing behind. */
import { getEventListeners } from 'node:events';
import test from 'ava';
import type { Client } from '../../src/client/client.ts';
import type { RequestOptions } from '../../src/client/request-options.ts';
import * as op from '../../src/protocol/opcode.ts';
import { A, ATTACHMENT, B, C, ClientWorld } from './support/world.ts';

type Ask = (client: Client, options: RequestOptions) => Promise<unknown>;

const questions: Readonly<Record<string, Ask>> = {
  ping: (client, options) => client.ping(undefined, options),
  status: (client, options) => client.status(options),
  connections: (client, options) => client.connections(options),
  digest: (client, options) => client.digest('key', options),
  check: (client, options) => client.check(options)[Symbol.asyncIterator]().next(),
  'admin().views': (client, options) => client.admin(options).views(),
  'admin().members': (client, options) => client.admin(options).members(),
  'admin().partitions': (client, options) => client.admin(options).partitions(),
  'admin().locks': (client, options) => client.admin(options).locks(),
  'admin().waitedLocks': (client, options) => client.admin(options).waitedLocks(),
  'admin().lock': (client, options) => client.admin(options).lock('key'),
  'admin().reform, on trial': (client, options) => client.admin(options).reform(B, true),
};

const changes: Readonly<Record<string, Ask>> = {
  'admin().transfer': (client, options) => client.admin(options).transfer(0, B),
  'admin().reform': (client, options) => client.admin(options).reform(B, false),
  'admin().breakLock': (client, options) => client.admin(options).breakLock('key', { token: ATTACHMENT }),
};

function connected(): Promise<ClientWorld> {
  return ClientWorld.connected({ version: 1, primaries: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0] });
}

function asked(world: ClientWorld): number {
  return [A, B, C].reduce((sum, endpoint) => sum + world.end(endpoint).asked().length, 0);
}

function unanswered({ client }: ClientWorld): number {
  return client.dispatcher.links.reduce((sum, { pending }) => sum + pending.size, 0);
}

for (const [name, ask] of Object.entries({ ...questions, ...changes })) {
  test(`${name}: aborted while it waits`, async (t) => {
    const world = await connected();
    const stop = new AbortController();
    const code = name in changes ? 'KV_AMBIGUOUS' : 'KV_ABORTED';
    const asking = t.throwsAsync(ask(world.client, { signal: stop.signal }), { code });
    await world.rest();
    t.true(asked(world) > 0);
    t.true(unanswered(world) > 0);
    const reason = new Error('the user has left');
    stop.abort(reason);
    const error = await asking;
    if (code === 'KV_ABORTED') t.is(error?.cause, reason);
    t.is(unanswered(world), 0);
    t.is(getEventListeners(stop.signal, 'abort').length, 0);
    await world.pass(5000);
    t.is(asked(world), 0);
  });

  test(`${name}: aborted before it is asked`, async (t) => {
    const world = await connected();
    const signal = AbortSignal.abort('too late');
    const asking = t.throwsAsync(ask(world.client, { signal }), { code: 'KV_ABORTED' });
    await world.rest();
    const error = await asking;
    t.is(error?.cause, 'too late');
    t.is(asked(world), 0);
  });
}

for (const [name, ask] of Object.entries(changes)) {
  test(`R24: ${name}, sent and not answered until the deadline: nobody knows`, async (t) => {
    const world = await connected();
    const asking = t.throwsAsync(ask(world.client, { timeoutMs: 300 }), { code: 'KV_AMBIGUOUS' });
    await world.rest();
    t.true(asked(world) > 0);
    await world.pass(400);
    t.regex((await asking)?.message ?? '', /did not answer before the deadline, after it had been sent/);
  });
}

test('what is answered leaves no listener at the signal', async (t) => {
  const world = await connected();
  const { signal } = new AbortController();
  const asking = world.client.ping(A, { signal });
  await world.rest();
  t.is(getEventListeners(signal, 'abort').length, 1);
  await world.end(A).say(op.PONG, world.end(A).only().messageId);
  t.is((await asking).length, 1);
  t.is(getEventListeners(signal, 'abort').length, 0);
});
