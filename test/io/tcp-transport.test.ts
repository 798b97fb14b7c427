/** Where a node calls from. Ports 27311 and 27312. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Channel, ChannelHandler } from '../../src/base/ports.ts';
import { tcpTransport, tcpTransportOf } from '../../src/io/tcp-transport.ts';

const TIMEOUT_MS = 10_000;
const ignoring = (): ChannelHandler => ({
  received: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
});

/** The address that a server on `host` sees the caller at. */
async function seenFrom(t: ExecutionContext, host: string, port: number, transport: typeof tcpTransport) {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const channel: Channel = await transport.connect({ host, port }, ignoring, TIMEOUT_MS);
  const [socket] = await accepted;
  t.teardown(() => {
    channel.destroy();
    socket.destroy();
    server.close();
  });
  return socket.remoteAddress;
}

test('between loopback addresses a node calls from where it listens, so that others can tell who calls', async (t) => {
  t.is(await seenFrom(t, '127.0.0.12', 27311, tcpTransportOf('127.0.0.11')), '127.0.0.11');
});

test('from any other address the system chooses where to call from', async (t) => {
  t.is(await seenFrom(t, '127.0.0.12', 27312, tcpTransportOf('192.0.2.7')), '127.0.0.1');
  t.is(await seenFrom(t, '127.0.0.13', 27312, tcpTransport), '127.0.0.1');
});
