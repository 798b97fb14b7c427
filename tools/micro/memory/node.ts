/** Memory and pauses of a whole node, a process of its own, filled and then used through the client. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { type Client, connect } from '../../../src/index.ts';
import { KEY_BYTES, VALUE_BYTES, writeKey, writeValue } from '../data.ts';
import type { MemoryFigures, MemoryRequest } from './figures.ts';
import { type Pauses, settlingArgs, type Usage } from './gc-watch.ts';

const entry = fileURLToPath(new URL('../../../src/cli/keyval-node.ts', import.meta.url));
const reporter = new URL('./node-reporter.ts', import.meta.url).href;

/** Requests under way while the node is filled, and in the mix. */
const FILL_LOOPS = 512;
const MIX_LOOPS = 64;
/** Put before the first look, over and over, so that what a node has once, however many keys it holds, does not count. */
const WARM_UP_KEYS = 1024;
const WARM_UP_PUTS: number = 16 * WARM_UP_KEYS;

export async function measureNode({ subject, keys, seconds }: MemoryRequest): Promise<MemoryFigures> {
  const node = await MeasuredNode.start();
  const client = await connect(node.address, { codec: 'buffer', timeoutMs: 60_000 });
  try {
    await warmUp(client);
    const before = await node.ask<Usage>('usage');
    await node.ask('begin');
    const longestPutMs = await fill(client, keys);
    const fillPauses = await node.ask<Pauses>('end');
    const after = await node.ask<Usage>('usage');
    await node.ask('begin');
    const operations = await mix(client, keys, seconds);
    const mixPauses = await node.ask<Pauses>('end');
    const heapBytes = after.heapBytes - before.heapBytes;
    return {
      subject,
      keys,
      residentBytes: after.residentBytes - before.residentBytes,
      usedBytes: heapBytes + after.arrayBufferBytes - before.arrayBufferBytes,
      heapBytes,
      parts: null,
      longestPutMs,
      growth: null,
      fillPauses,
      mixPauses,
      mixPerSecond: operations / mixPauses.seconds,
    };
  } finally {
    await client.close();
    await node.stop();
  }
}

class MeasuredNode {
  readonly address: string;
  readonly #child: ChildProcess;

  static async start(): Promise<MeasuredNode> {
    const child = fork(entry, ['--port', '0', '--log-level', 'error'], {
      execArgv: [...settlingArgs, `--import=${reporter}`],
      env: { ...process.env, KEYVAL_EXIT_WITH_PARENT: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [message] = (await once(child, 'message')) as [{ type: string; address: string; message?: string }];
    if (message.type !== 'ready') throw new Error(`the node did not start: ${message.message}`);
    return new MeasuredNode(child, message.address);
  }

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  async ask<T>(what: 'usage' | 'begin' | 'end'): Promise<T> {
    const answer = once(this.#child, 'message');
    this.#child.send(what);
    return (await answer)[0] as T;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

async function warmUp(client: Client<Uint8Array>): Promise<void> {
  const last = 2 ** 32 - 1;
  await each(WARM_UP_PUTS, FILL_LOOPS, (i) => client.put(keyOf(last - (i % WARM_UP_KEYS)), valueFor(i)));
}

/** Gives the longest time from a request to its answer, many being under way. */
async function fill(client: Client<Uint8Array>, keys: number): Promise<number> {
  let longestMs = 0;
  await each(keys, FILL_LOOPS, async (index) => {
    const beginMs = performance.now();
    await client.put(keyOf(index), valueFor(index));
    longestMs = Math.max(longestMs, performance.now() - beginMs);
  });
  return longestMs;
}

async function mix(client: Client<Uint8Array>, keys: number, seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000;
  let operations = 0;
  let state = 1;
  const loop = async (): Promise<void> => {
    do {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      const index = state % keys;
      const key = keyOf(index);
      const value = await client.get(key);
      if (value === null || Buffer.compare(value, valueFor(index)) !== 0) throw new Error('a wrong value');
      await client.put(key, value);
      operations += 2;
    } while (performance.now() < endMs);
  };
  await Promise.all(Array.from({ length: MIX_LOOPS }, loop));
  return operations;
}

async function each(count: number, loops: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: loops }, loop));
}

function keyOf(index: number): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  writeKey(key, 0, index);
  return key;
}

function valueFor(index: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES);
  writeValue(value, 0, index);
  return value;
}
