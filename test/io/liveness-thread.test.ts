/** The thread itself: where it logs in, and what it says there while this thread stands in a loop. */
import { EventEmitter, once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { Channel, ChannelHandler } from '../../src/base/ports.ts';
import { listen } from '../../src/io/acceptor.ts';
import { LivenessThread } from '../../src/io/liveness-thread.ts';
import { systemCrypto, systemRandom } from '../../src/io/random.ts';
import { decodeHello, encodeWelcome, type Hello, Role } from '../../src/protocol/hello-codec.ts';
import { Callee, type HelloFields } from '../../src/protocol/login.ts';
import { readStall, STALL_BYTES } from '../../src/protocol/peer-codec.ts';
import { type DecodedFrame, decodeChunks } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';

const PORT = 28_320;
const SECRET = new TextEncoder().encode('the secret');
const incarnation = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const NODE_ID = 2 ** 47 + 11;

const hello: HelloFields = {
  role: Role.liveness,
  flags: 0,
  cluster: 'keyval',
  name: '127.0.0.1:1',
  owner: null,
  peer: {
    incarnation,
    nodeId: NODE_ID,
    clusterId: 'c1',
    address: '127.0.0.1:1',
    partitions: 4,
    replicas: 3,
    members: ['127.0.0.1:1', '127.0.0.1:2'],
  },
};

/** A node that lets in whoever proves the secret, and keeps what is said. */
class Listener {
  readonly frames: DecodedFrame[] = [];
  connections = 0;
  open = 0;
  hello: Hello | null = null;
  readonly #secret: Uint8Array;
  readonly #news: EventEmitter = new EventEmitter();

  private constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  static async on(t: ExecutionContext, port: number, secret: Uint8Array = SECRET): Promise<Listener> {
    const listener = new Listener(secret);
    const acceptor = await listen({ host: '127.0.0.1', port }, (channel) => listener.#accept(channel));
    t.teardown(() => acceptor.close());
    return listener;
  }

  #accept(channel: Channel): ChannelHandler {
    const callee = new Callee(this.#secret, systemCrypto, systemRandom);
    this.connections += 1;
    this.open += 1;
    return {
      received: (chunk): void => {
        for (const frame of decodeChunks([chunk])) this.#handle(channel, callee, frame);
        this.#news.emit('news');
      },
      drained: () => undefined,
      ended: (): void => {
        this.open -= 1;
        this.#news.emit('news');
      },
    };
  }

  #handle(channel: Channel, callee: Callee, frame: DecodedFrame): void {
    this.frames.push(frame);
    if (frame.opcode === 'HELO') {
      this.hello = decodeHello(frame.body);
      channel.write(encoded((writer) => void callee.hello(frame.body, writer)));
    } else if (frame.opcode === 'PROV') {
      const primaries = new Uint16Array(4);
      const table = { version: 1, partitions: 4, self: 0, members: ['127.0.0.1:2'], primaries };
      const said = { version: 1, incarnation, table, nodeId: 1, clusterId: 'c1', address: '127.0.0.1:2' };
      channel.write(
        encoded((writer) => {
          writer.begin(Buffer.from('WLCM').readUInt32BE(), 0);
          encodeWelcome(writer, { ...said, proof: callee.ownProof() });
          writer.end();
        }),
      );
    }
  }

  /** Resolves when it is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await once(this.#news, 'news');
  }

  named(opcode: string): DecodedFrame[] {
    return this.frames.filter((frame) => frame.opcode === opcode);
  }
}

interface Threaded {
  readonly thread: LivenessThread;
  readonly failures: string[];
  /** Resolves with the first of them. */
  readonly failed: Promise<string>;
}

function threaded(t: ExecutionContext, filename?: string): Threaded {
  const failures: string[] = [];
  const { promise: failed, resolve } = Promise.withResolvers<string>();
  const onFailure = (message: string): void => {
    failures.push(message);
    resolve(message);
  };
  const thread = new LivenessThread({
    host: '127.0.0.1',
    secret: SECRET,
    onFailure,
    ...(filename === undefined ? {} : { filename }),
  });
  t.teardown(() => thread.close());
  return { thread, failures, failed };
}

function standInLoop(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until);
}

test('while this thread stands in a loop the other tells so, to everybody, having proved the secret', async (t) => {
  const listeners = await Promise.all([0, 1].map((at) => Listener.on(t, PORT + at)));
  const { thread, failures } = threaded(t);
  thread.ticked();
  thread.peers([`127.0.0.1:${PORT}`, `127.0.0.1:${PORT + 1}`], hello);
  for (const listener of listeners) await listener.until(() => listener.named('PROV').length > 0);
  standInLoop(500);
  for (const listener of listeners) {
    await listener.until(() => listener.named('STLL').length >= 2);
    const [first, second] = listener
      .named('STLL')
      .map(({ body }) => readStall(body, 0, body.length) ?? t.fail('cut short'));
    t.like(first, { incarnation, nodeId: NODE_ID });
    t.true((first as { stalledMs: number }).stalledMs > 250);
    t.true((second as { stalledMs: number }).stalledMs > (first as { stalledMs: number }).stalledMs);
    t.is(listener.named('STLL')[0]?.body.length, STALL_BYTES);
    t.like(listener.hello, { role: Role.liveness, cluster: 'keyval', peer: { incarnation, nodeId: NODE_ID } });
    t.is(listener.connections, 1, 'the connection was there before');
  }
  t.deepEqual(failures, []);
});

test('who does not know the secret is told nothing', async (t) => {
  const listener = await Listener.on(t, PORT + 2, new TextEncoder().encode('another'));
  const { thread } = threaded(t);
  thread.peers([`127.0.0.1:${PORT + 2}`], hello);
  await listener.until(() => listener.named('HELO').length > 0 && listener.open === 0);
  t.deepEqual(listener.named('STLL'), []);
});

test('who is no peer any more is told no more, nor is anybody after the end', async (t) => {
  const [left, last] = [await Listener.on(t, PORT + 3), await Listener.on(t, PORT + 4)];
  const { thread, failures } = threaded(t);
  thread.peers([`127.0.0.1:${PORT + 3}`, `127.0.0.1:${PORT + 4}`], hello);
  await Promise.all([left, last].map((one) => one.until(() => one.named('PROV').length > 0)));
  thread.peers([`127.0.0.1:${PORT + 4}`], hello);
  await left.until(() => left.open === 0);
  t.is(last.open, 1);
  await thread.close();
  await last.until(() => last.open === 0);
  thread.ticked();
  thread.peers([`127.0.0.1:${PORT + 3}`], hello);
  t.deepEqual(failures, [], 'it was meant to end');
});

test('a thread that fails is told once, and does not take the node along', async (t) => {
  const { thread, failures, failed } = threaded(t, '../../test/helpers/no-such-worker.ts');
  thread.peers(['127.0.0.1:1'], hello);
  t.regex(await failed, /no-such-worker/);
  thread.ticked();
  thread.peers(['127.0.0.1:1'], hello);
  await thread.close();
  t.is(failures.length, 1);
});
