/** The relay on real sockets: callers from addresses of their own, one node behind it. Ports 27300 to 27309. */
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { RelayNetwork } from '../../../tools/chaos/relay.ts';

const A = '127.0.0.11';
const B = '127.0.0.13';
const NODE = '127.0.0.12';

/** One end of a connection: what came so far, and how it ended. */
class End {
  readonly socket: Socket;
  text = '';
  ended = false;
  closed = false;
  error: string | null = null;
  readonly #news: EventEmitter = new EventEmitter();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#note(() => (this.text += chunk.toString())));
    socket.on('end', () => this.#note(() => (this.ended = true)));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#note(() => (this.error = error.code ?? error.message)));
    socket.on('close', () => this.#note(() => (this.closed = true)));
  }

  #note(change: () => unknown): void {
    change();
    this.#news.emit('news');
  }

  async until(reached: () => boolean): Promise<void> {
    while (!reached()) await once(this.#news, 'news');
  }

  received(text: string): Promise<void> {
    return this.until(() => this.text === text);
  }
}

interface Stage {
  readonly network: RelayNetwork;
  /** The two ends of a connection from `host` through the relay. */
  open(host: string): Promise<{ caller: End; node: End }>;
}

async function stage(t: ExecutionContext, port: number): Promise<Stage> {
  const accepted = new EventEmitter();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => accepted.emit('socket', new End(socket)));
  server.listen({ host: NODE, port });
  await once(server, 'listening');
  const network = await RelayNetwork.start([{ listen: `127.0.1.12:${port}`, target: `${NODE}:${port}` }]);
  const sockets: Socket[] = [];
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    network.stop();
    server.close();
  });
  const open = async (host: string): Promise<{ caller: End; node: End }> => {
    const arrived = once(accepted, 'socket');
    const socket = connect({ host: '127.0.1.12', port, localAddress: host, allowHalfOpen: true });
    const caller = new End(socket);
    const [node] = (await arrived) as [End];
    sockets.push(socket, node.socket);
    return { caller, node };
  };
  return { network, open };
}

/** What was sent before on any connection of this process has passed the relay, if it does at all. */
async function roundTrip({ caller, node }: { caller: End; node: End }): Promise<void> {
  for (const [from, to] of [
    [caller, node],
    [node, caller],
  ] as const) {
    const text = `${to.text}.`;
    from.socket.write('.');
    await to.received(text);
  }
}

test('without faults bytes pass both ways, and so does the end', async (t) => {
  const { network, open } = await stage(t, 27300);
  const { caller, node } = await open(A);
  caller.socket.write('question');
  await node.received('question');
  caller.socket.end();
  await node.until(() => node.ended);
  node.socket.end('answer');
  await caller.received('answer');
  await caller.until(() => caller.closed);
  t.is(caller.error, null);
  await node.until(() => node.closed);
  t.is(node.error, null);
  while (network.connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a delay holds up one lane and no other, and keeps the order', async (t) => {
  const { network, open } = await stage(t, 27301);
  const slow = await open(A);
  const quick = await open(B);
  network.set(A, NODE, { delayMs: 300, jitterMs: 50 });
  const words = Array.from({ length: 50 }, (_, index) => `${index} `);
  for (const word of words) slow.caller.socket.write(word);
  quick.caller.socket.write('quick');
  await quick.node.received('quick');
  t.is(slow.node.text, '');
  await slow.node.received(words.join(''));
  t.pass();
});

test('a one-way cut that holds: nothing comes through, the other way all does; later it arrives', async (t) => {
  const { network, open } = await stage(t, 27302);
  const cut = await open(A);
  const other = await open(B);
  network.set(A, NODE, { cut: 'hold' });
  cut.caller.socket.write('held');
  cut.node.socket.write('passes');
  await cut.caller.received('passes');
  await roundTrip(other);
  t.is(cut.node.text, '');
  network.heal();
  await cut.node.received('held');
  t.false(cut.caller.closed);
});

test('a one-way cut that drops: what was sent is gone, and the connection is reset when it opens', async (t) => {
  const { network, open } = await stage(t, 27303);
  const cut = await open(A);
  const other = await open(B);
  network.set(NODE, A, { cut: 'drop' });
  cut.node.socket.write('lost');
  cut.caller.socket.write('passes');
  await cut.node.received('passes');
  await roundTrip(other);
  t.is(cut.caller.text, '');
  t.false(cut.caller.closed);
  network.set(NODE, A, { cut: 'open' });
  await cut.caller.until(() => cut.caller.closed);
  await cut.node.until(() => cut.node.closed);
  t.is(cut.caller.error, 'ECONNRESET');
  t.is(cut.caller.text, '');
  await roundTrip(await open(A));
});

test('a lane that dropped nothing keeps its connections', async (t) => {
  const { network, open } = await stage(t, 27304);
  const pair = await open(A);
  network.set(A, NODE, { cut: 'drop' });
  network.heal();
  await roundTrip(pair);
  t.is(pair.caller.error, null);
});

test('a full cut: neither bytes nor the end of a connection are heard until it is over', async (t) => {
  const { network, open } = await stage(t, 27305);
  const cut = await open(A);
  const other = await open(B);
  for (const [from, to] of [
    [A, NODE],
    [NODE, A],
  ] as const)
    network.set(from, to, { cut: 'hold' });
  cut.node.socket.write('held');
  cut.caller.socket.resetAndDestroy();
  await roundTrip(other);
  t.deepEqual([cut.caller.text, cut.node.ended, cut.node.closed], ['', false, false]);
  network.heal();
  await cut.node.until(() => cut.node.closed);
  t.is(cut.node.error, 'ECONNRESET');
});

test('new connections do not get through a cut either', async (t) => {
  const { network, open } = await stage(t, 27306);
  network.set(A, NODE, { cut: 'hold' });
  const { caller, node } = await open(A);
  caller.socket.write('held');
  await roundTrip(await open(B));
  t.is(node.text, '');
  network.heal();
  await node.received('held');
});

test('a reset ends the connections between two hosts, and no others', async (t) => {
  const { network, open } = await stage(t, 27307);
  const hit = await open(A);
  const spared = await open(B);
  await roundTrip(hit);
  await roundTrip(spared);
  t.is(network.reset(NODE, A), 1);
  await hit.caller.until(() => hit.caller.closed);
  await hit.node.until(() => hit.node.closed);
  t.deepEqual([hit.caller.error, hit.node.error], ['ECONNRESET', 'ECONNRESET']);
  await roundTrip(spared);
});

test('a clog lets little through at a time', async (t) => {
  const { network, open } = await stage(t, 27308);
  const slow = await open(A);
  const quick = await open(B);
  network.set(A, NODE, { bytesPerSecond: 1000 });
  slow.caller.socket.write('x'.repeat(300));
  await slow.node.received('x'.repeat(300));
  slow.caller.socket.write('y');
  quick.caller.socket.write('quick');
  await quick.node.received('quick');
  t.is(slow.node.text.length, 300);
  await slow.node.received(`${'x'.repeat(300)}y`);
});

test('behind a relay, a node that is not there answers with a reset', async (t) => {
  const network = await RelayNetwork.start([{ listen: '127.0.1.12:27309', target: `${NODE}:27309` }]);
  t.teardown(() => network.stop());
  const caller = new End(connect({ host: '127.0.1.12', port: 27309, localAddress: A }));
  await caller.until(() => caller.closed);
  t.is(caller.error, 'ECONNRESET');
});
