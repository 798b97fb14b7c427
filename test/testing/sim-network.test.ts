import test from 'ava';
import fc from 'fast-check';
import type { Channel, ChannelHandler } from '../../src/base/ports.ts';
import { MachineClock } from '../../src/testing/sim-clock.ts';
import type { LinkQuality } from '../../src/testing/sim-link.ts';
import { SimNetwork } from '../../src/testing/sim-network.ts';
import { SimProcess } from '../../src/testing/sim-process.ts';
import { World } from '../../src/testing/world.ts';

const QUALITY: LinkQuality = { delayMs: 1, jitterMs: 1, bytesPerMs: 1000, tears: 0.2 };
const ADDRESS = { host: 'b', port: 1 };

/** One end, and what it has heard. */
class Side implements ChannelHandler {
  channel: Channel | null = null;
  readonly bytes: number[] = [];
  readonly chunks: Uint8Array[] = [];
  drains = 0;
  finishes = 0;
  ends: (Error | null)[] = [];

  received(chunk: Uint8Array): void {
    this.bytes.push(...chunk);
    this.chunks.push(chunk);
  }

  drained(): void {
    this.drains += 1;
  }

  finished(): void {
    this.finishes += 1;
    this.channel?.end();
  }

  ended(error: Error | null): void {
    this.ends.push(error);
  }
}

/** Two machines with a connection between them. */
class Pair {
  readonly world: World;
  readonly network: SimNetwork;
  readonly a: SimProcess;
  readonly b: SimProcess;
  readonly near: Side = new Side();
  readonly far: Side = new Side();
  failure: Error | null = null;

  constructor(seed: number, quality: LinkQuality = QUALITY, roomBytes = 4096) {
    this.world = new World(seed);
    this.network = new SimNetwork(this.world, { quality, roomBytes, giveUpMs: 1000 });
    [this.a, this.b] = [this.#process(1, 'a'), this.#process(2, 'b')];
  }

  #process(number: number, host: string): SimProcess {
    const machine = new MachineClock(this.world, 1, 0);
    return new SimProcess(this.world, this.network, number, { name: host, host, machine, timersLateMs: 0 });
  }

  listen(): void {
    this.network.listen('b:1', this.b, (channel) => {
      this.far.channel = channel;
      return this.far;
    });
  }

  connect(): void {
    const handlerOf = (channel: Channel): Side => {
      this.near.channel = channel;
      return this.near;
    };
    this.a.transport.connect(ADDRESS, handlerOf, 3000).catch((error: Error) => {
      this.failure = error;
    });
  }

  static async connected(seed = 1, quality?: LinkQuality, roomBytes?: number): Promise<Pair> {
    const pair = new Pair(seed, quality, roomBytes);
    pair.listen();
    pair.connect();
    await pair.world.run(100);
    return pair;
  }
}

function codeOf(error: Error | null | undefined): string | undefined {
  return (error as NodeJS.ErrnoException | null | undefined)?.code;
}

test('bytes arrive whole and in order, however they are torn, merged and slowed', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 5 })), { maxLength: 12 }),
      async (seed, writes) => {
        const pair = await Pair.connected(seed, { ...QUALITY, tears: 0.5 }, 1500);
        const sent: number[] = [];
        for (const [size, waitMs] of writes) {
          const bytes = Uint8Array.from({ length: size }, (_, at) => (sent.length + at) & 255);
          sent.push(...bytes);
          pair.near.channel?.write(bytes);
          await pair.world.run(waitMs);
        }
        pair.near.channel?.end();
        await pair.world.run(10_000);
        t.deepEqual(pair.far.bytes, sent);
        t.is(pair.far.finishes, 1);
        t.deepEqual([pair.near.ends, pair.far.ends], [[null], [null]]);
      },
    ),
    { numRuns: 40 },
  );
});

test('memory is taken when there is room for it, and not before', async (t) => {
  const pair = await Pair.connected(1, QUALITY, 1000);
  const bytes = new Uint8Array(3000).fill(1);
  t.false(pair.near.channel?.write(bytes));
  bytes.fill(2, 1000); // against the rule: nothing may be changed before it is drained
  await pair.world.run(1000);
  t.is(pair.near.drains, 1);
  t.is(pair.far.bytes.filter((byte) => byte === 1).length, 1000);
  t.is(pair.far.bytes.filter((byte) => byte === 2).length, 2000);
  t.true(pair.near.channel?.write(new Uint8Array(10)));
});

test('a chunk is only lent', async (t) => {
  const pair = await Pair.connected();
  pair.near.channel?.write(new Uint8Array([1, 2, 3]));
  await pair.world.run(100);
  t.deepEqual(pair.far.bytes, [1, 2, 3]);
  t.false([...(pair.far.chunks[0] as Uint8Array)].includes(1));
});

test('a reader that pauses holds the writer up', async (t) => {
  const pair = await Pair.connected(1, QUALITY, 1000);
  pair.far.channel?.pause();
  pair.near.channel?.write(new Uint8Array(5000));
  await pair.world.run(60_000);
  t.is(pair.far.bytes.length, 0);
  t.is(pair.near.drains, 0);
  pair.far.channel?.resume();
  await pair.world.run(1000);
  t.is(pair.far.bytes.length, 5000);
  t.is(pair.near.drains, 1);
});

test('a cut holds bytes back until it heals', async (t) => {
  const pair = await Pair.connected();
  pair.network.cut('a', 'b');
  pair.near.channel?.write(new Uint8Array([7]));
  pair.far.channel?.write(new Uint8Array([8]));
  await pair.world.run(500);
  t.deepEqual([pair.far.bytes, pair.near.bytes], [[], [8]]);
  pair.network.heal('a', 'b');
  await pair.world.run(2000);
  t.deepEqual(pair.far.bytes, [7]);
});

test('who hears nothing for too long gives up, and the other side learns it when it sends', async (t) => {
  const pair = await Pair.connected();
  pair.network.cut('a', 'b');
  pair.near.channel?.write(new Uint8Array([7]));
  await pair.world.run(5000);
  t.is(codeOf(pair.near.ends[0]), 'ETIMEDOUT');
  t.is(pair.far.ends.length, 0);
  pair.network.heal('a', 'b');
  pair.far.channel?.write(new Uint8Array([8]));
  await pair.world.run(1000);
  t.is(codeOf(pair.far.ends[0]), 'ECONNRESET');
  t.is(pair.network.counters.timeouts, 1);
});

test('a process that is killed ends its connections; one whose machine loses power does not', async (t) => {
  for (const silently of [false, true]) {
    const pair = await Pair.connected();
    pair.b.crash(silently);
    await pair.world.run(1000);
    t.is(pair.near.finishes, silently ? 0 : 1);
    if (!silently) continue;
    pair.near.channel?.write(new Uint8Array([1]));
    await pair.world.run(500);
    pair.network.machineUp('b');
    await pair.world.run(3000);
    t.is(codeOf(pair.near.ends[0]), 'ECONNRESET');
  }
});

test('a paused process is connected to, and answers when it wakes', async (t) => {
  const pair = new Pair(1);
  pair.listen();
  pair.b.pause();
  pair.connect();
  await pair.world.run(100);
  t.not(pair.near.channel, null);
  t.is(pair.far.channel, null);
  pair.near.channel?.write(new Uint8Array([5]));
  await pair.world.run(100);
  pair.b.resume();
  await pair.world.run(100);
  t.deepEqual(pair.far.bytes, [5]);
});

test('nobody listens: refused; nothing passes: no connection in time; it heals in time: connected', async (t) => {
  const refused = new Pair(1);
  refused.connect();
  await refused.world.run(100);
  t.is(codeOf(refused.failure), 'ECONNREFUSED');

  const late = new Pair(1);
  late.listen();
  late.network.cut('b', 'a');
  late.connect();
  await late.world.run(5000);
  t.regex(late.failure?.message ?? '', /no connection within 3000 ms/);

  const healed = new Pair(1);
  healed.listen();
  healed.network.cut('a', 'b');
  healed.connect();
  await healed.world.run(500);
  healed.network.heal('a', 'b');
  await healed.world.run(1500);
  t.not(healed.near.channel, null);
});

test('a reset ends both sides once', async (t) => {
  const pair = await Pair.connected();
  t.is(pair.network.reset('a', 'b'), 1);
  await pair.world.run(100);
  t.deepEqual([codeOf(pair.near.ends[0]), codeOf(pair.far.ends[0])], ['ECONNRESET', 'ECONNRESET']);
  t.deepEqual([pair.near.ends.length, pair.far.ends.length], [1, 1]);
  t.true(pair.near.channel?.write(new Uint8Array([1])));
});

test('closing now still sends what the kernel has', async (t) => {
  const pair = await Pair.connected();
  pair.near.channel?.write(new Uint8Array([1, 2]));
  pair.near.channel?.destroy();
  await pair.world.run(100);
  t.deepEqual(pair.far.bytes, [1, 2]);
  t.is(pair.far.finishes, 1);
  t.deepEqual(pair.near.ends, [null]);
});
