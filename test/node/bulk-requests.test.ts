/** LOAD as a bare socket sends it: its form, its bounds, its deadline, and its end when a node or a client goes. */
import test, { type ExecutionContext } from 'ava';
import { type ParsedRows, parseRows } from '../../src/bulk/ndjson-rows.ts';
import { InlineWorkers } from '../../src/bulk/worker-pool.ts';
import { KeyvalError, type RunningNode } from '../../src/index.ts';
import { type BulkHost, BulkRequests } from '../../src/node/bulk-requests.ts';
import type { Connection } from '../../src/node/connection.ts';
import type { NodePorts } from '../../src/node/ports.ts';
import { decodeLoaded, encodeLoad, type LoadResult } from '../../src/protocol/load-codec.ts';
import { readyNode, startedNode } from '../helpers/node.ts';
import { describe, RawClient, type RawFrame } from '../helpers/raw-client.ts';
import { Caller } from './support/caller.ts';

const utf8 = new TextEncoder();
const PLENTY_MS = 60_000;

function load(text: string, timeLeftMs: number = PLENTY_MS): Uint8Array {
  return encodeLoad(timeLeftMs, utf8.encode(text));
}

function loaded(frame: RawFrame): LoadResult {
  if (frame.opcode !== 'LODD') throw new Error(`expected LODD, got ${describe(frame)}`);
  return decodeLoaded(new Uint8Array(frame.body));
}

async function raw(t: ExecutionContext, address: string): Promise<RawClient> {
  const client = await RawClient.login(address);
  t.teardown(() => client.destroy());
  return client;
}

/** A node whose rows stay under way: a member of the cluster is missing. */
function waitingNode(t: ExecutionContext, port: number): Promise<RunningNode> {
  const [listen, missing] = [`127.0.0.1:${port}`, `127.0.0.2:${port}`] as const;
  return startedNode(t, { peers: [listen, missing], listen, partitions: 4 });
}

const rows = (count: number): string =>
  Array.from({ length: count }, (_, at) => `{"key":"k${at}","value":"v"}`).join('\n');

test('bodies that are no LOAD are refused, and the connection stays', async (t) => {
  const node = await readyNode(t);
  const client = await raw(t, node.address);
  const flagged = load('');
  flagged[4] = 1;
  const refused: readonly (readonly [Uint8Array, number])[] = [
    [new Uint8Array(4), 4],
    [flagged, 4],
    [load('x'.repeat(1024 * 1024 + 1)), 6],
    [load(rows(1), 0), 15],
  ];
  for (const [body, code] of refused) {
    const reply = await client.request('LOAD', 5, body);
    t.is(reply.opcode, 'FAIL');
    t.is(reply.body.readUInt16BE(0), code, describe(reply));
  }
  t.like(loaded(await client.request('LOAD', 6, load(rows(3)))), { rows: 3, failed: 0 });
});

for (const workerThreads of [0, 1]) {
  test(`the deadline: rows not begun by then are told, ${workerThreads} threads`, async (t) => {
    const listen = `127.0.0.1:${26_810 + workerThreads}`;
    await startedNode(t, { peers: [listen, '127.0.0.2:26819'], listen, partitions: 4, workerThreads });
    const client = await raw(t, listen);
    const result = loaded(await client.request('LOAD', 1, load(`wrong\n${rows(1000)}`, 300)));
    t.is(result.rows, 0);
    t.is(result.failed, 1001);
    t.is(result.failures.length, 100);
    t.is(result.failures[0]?.line, 1);
    const codes = new Set(result.failures.map(({ code }) => code));
    t.true(codes.has('KV_DEADLINE'), [...codes].join());
  });
}

test('a connection has four loads under way, its fifth is refused; others have theirs', async (t) => {
  const node = await waitingNode(t, 26820);
  const [greedy, other] = [await raw(t, node.address), await raw(t, node.address)];
  for (const id of [1, 2, 3, 4, 5]) greedy.send('LOAD', id, load(rows(5), 1000));
  const refusal = await greedy.next();
  t.is(describe(refusal), 'FAIL 17 this connection has 4 loads under way already');
  t.is(refusal.messageId, 5);
  t.is(loaded(await other.request('LOAD', 1, load(rows(5), 1000))).failed, 5);
  for (const id of [1, 2, 3, 4]) t.is(loaded(await greedy.reply(id)).failed, 5);
});

test('a client goes while its load is under way: others load', async (t) => {
  const node = await waitingNode(t, 26821);
  const [gone, other] = [await raw(t, node.address), await raw(t, node.address)];
  for (const id of [1, 2, 3, 4]) gone.send('LOAD', id, load(rows(500)));
  await gone.request('PING', 9);
  gone.destroy();
  await gone.closed;
  t.is(loaded(await other.request('LOAD', 1, load(rows(5), 300))).failed, 5);
});

test('a node that stops answers its loads', async (t) => {
  const node = await waitingNode(t, 26822);
  const client = await raw(t, node.address);
  client.send('LOAD', 1, load(rows(1000)));
  await client.request('PING', 2);
  const closed = node.close();
  const result = loaded(await client.reply(1));
  t.is(result.failed, 1000);
  await closed;
  await client.closed;
});

test('loads of several connections take turns', async (t) => {
  const node = await readyNode(t, { partitions: 4, workerThreads: 0 });
  const [first, second] = [await raw(t, node.address), await raw(t, node.address)];
  await first.request('LOAD', 1, load(rows(1)));
  const order: string[] = [];
  const long = first.request('LOAD', 2, load(rows(20_000))).then((frame) => order.push(`long ${loaded(frame).rows}`));
  await first.request('PING', 3);
  const short = second.request('LOAD', 2, load(rows(10))).then((frame) => order.push(`short ${loaded(frame).rows}`));
  await Promise.all([long, short]);
  t.deepEqual(order, ['short 10', 'long 20000']);
});

test('what a node has no memory for is refused', async (t) => {
  const node = await readyNode(t, { maxMemoryBytes: 900_000, partitions: 4 });
  const client = await raw(t, node.address);
  const reply = await client.request('LOAD', 1, load(`${' '.repeat(1_000_000)}\n`));
  t.regex(describe(reply), /^FAIL 18 /);
});

/** Loads under the test's control: its clock, its turns, and rows that end when it says so. */
class Bench {
  readonly caller: Caller = new Caller();
  readonly requests: BulkRequests;
  readonly begun: PromiseWithResolvers<unknown>[] = [];
  readonly parsed: PromiseWithResolvers<ParsedRows> = Promise.withResolvers();
  nowMs = 1000;
  stopping = false;
  #turns: (() => void)[] = [];
  #timers: (() => void)[] = [];

  constructor({ threads = false, opens = true }: { threads?: boolean; opens?: boolean } = {}) {
    const workers = threads ? { takes: () => true, run: () => this.parsed.promise } : new InlineWorkers();
    const put = (): Promise<unknown> => {
      const row = Promise.withResolvers<unknown>();
      this.begun.push(row);
      return row.promise;
    };
    const ports = {
      workers,
      openBulkWriter: () =>
        opens ? Promise.resolve({ put, close: () => Promise.resolve() }) : new Promise(() => undefined),
      timers: {
        atTurnEnd: (run: () => void) => this.#turns.push(run),
        after: (_ms: number, run: () => void) => this.#timers.push(run),
      },
    } as unknown as NodePorts;
    const bench = this;
    const host: BulkHost = {
      ports,
      get stopping() {
        return bench.stopping;
      },
      touch: () => this.nowMs,
      reserveHere: () => true,
    };
    this.requests = new BulkRequests(host);
  }

  async load(text: string, timeLeftMs: number = PLENTY_MS): Promise<void> {
    const body = load(text, timeLeftMs);
    this.requests.load(this.#connection, 1, body, 0, body.length);
    await settled();
  }

  get #connection(): Connection {
    return this.caller as unknown as Connection;
  }

  gone(): void {
    this.caller.closed = true;
    this.requests.closed(this.#connection);
  }

  /** Turns until there is nothing to do but to wait. */
  turns(): void {
    while (this.#turns.length > 0) for (const run of this.#turns.splice(0)) run();
  }

  timers(): void {
    for (const run of this.#timers.splice(0)) run();
    this.turns();
  }

  /** The answer, when there is one. */
  result(): LoadResult | null {
    const [frame] = this.caller.takeFrames();
    return frame === undefined ? null : decodeLoaded(new Uint8Array(frame.body));
  }
}

/** Promises that are resolved have been heard of. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a client goes while a thread parses its rows: none of them is written', async (t) => {
  const bench = new Bench({ threads: true });
  await bench.load(rows(100));
  bench.gone();
  bench.parsed.resolve(parseRows(utf8.encode(rows(100))));
  await settled();
  bench.turns();
  t.is(bench.begun.length, 0);
  t.is(bench.requests.bytes, 0);
});

/** Text that is parsed in several pieces. */
const longRows: string = Array.from({ length: 90 }, (_, at) => `{"key":"k${at}","value":"${'v'.repeat(1500)}"}`).join(
  '\n',
);

for (const code of ['KV_DEADLINE', 'KV_STOPPING'] as const) {
  test(`${code}: no row of a later piece of the text is begun, and each is told`, async (t) => {
    const bench = new Bench();
    await bench.load(longRows);
    bench.turns();
    const { length } = bench.begun;
    t.true(length > 0 && length < 60, `${length}`);
    if (code === 'KV_STOPPING') bench.stopping = true;
    else bench.nowMs += PLENTY_MS;
    for (const row of bench.begun) row.resolve(null);
    await settled();
    bench.turns();
    t.is(bench.begun.length, length);
    const result = bench.result();
    t.like(result, { rows: length, failed: 90 - length });
    t.deepEqual(new Set(result?.failures.map((failure) => failure.code)), new Set([code]));
    t.is(result?.failures.length, 90 - length);
  });
}

test('a load that waits for the rows of others is told when its time is over', async (t) => {
  const bench = new Bench();
  await bench.load(rows(100));
  bench.turns();
  await bench.load(rows(3), 1000);
  bench.nowMs += 874; // an eighth of its time is kept back for the answer
  bench.timers();
  t.is(bench.result(), null);
  bench.nowMs += 1;
  bench.timers();
  t.like(bench.result(), { rows: 0, failed: 3 });
});

test('rows under way when the client of the node is closed are told as KV_STOPPING', async (t) => {
  const bench = new Bench();
  await bench.load(rows(1));
  bench.turns();
  bench.begun[0]?.reject(new KeyvalError('KV_CLOSED', 'the client was closed'));
  await settled();
  t.is(bench.result()?.failures[0]?.code, 'KV_STOPPING');
});

test('a node that stops before the client of its loads is there answers them', async (t) => {
  const bench = new Bench({ opens: false });
  await bench.load(rows(1));
  void bench.requests.stop();
  bench.timers();
  await settled();
  bench.timers();
  t.deepEqual(bench.caller.read(), ['1 FAIL KV_STOPPING']);
});

test('a node that stops answers loads whose rows never end', async (t) => {
  const bench = new Bench();
  await bench.load(rows(1));
  bench.turns();
  const stopped = bench.requests.stop();
  bench.timers();
  await settled();
  bench.timers();
  await stopped;
  t.deepEqual(bench.caller.read(), ['1 FAIL KV_AMBIGUOUS']);
});
