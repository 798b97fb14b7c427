/** `/livez` and `/readyz` on the port of a node, over real sockets and as a process. */
import { once } from 'node:events';
import { connect as dial, type Socket } from 'node:net';
import test from 'ava';
import { formatAddress } from '../../src/base/address.ts';
import type { Channel } from '../../src/base/ports.ts';
import { connect } from '../../src/index.ts';
import { listen } from '../../src/io/acceptor.ts';
import { readyNode, startedNode } from '../helpers/node.ts';
import { servingNode } from '../helpers/processes.ts';

async function open(address: string): Promise<Socket> {
  const [host, port] = address.split(':') as [string, string];
  const socket = dial({ host, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** All that it says until it closes its side. */
async function heard(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function get(address: string, path: string): Promise<{ status: number; document: unknown }> {
  const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(20_000) });
  return { status: response.status, document: await response.json() };
}

test('a node that serves lives and is ready', async (t) => {
  const { address } = await readyNode(t);
  t.deepEqual(await get(address, '/livez'), { status: 200, document: { status: 'ok' } });
  t.deepEqual(await get(address, '/readyz'), { status: 200, document: { status: 'ok' } });
  t.is((await get(address, '/')).status, 404);
});

test('one that waits for its peers lives and is not ready', async (t) => {
  const [listen, missing] = ['127.0.0.1:26900', '127.0.0.2:26900'];
  await startedNode(t, { peers: [listen, missing], listen, partitions: 4 });
  t.is((await get(listen, '/livez')).status, 200);
  const { status, document } = await get(listen, '/readyz');
  t.is(status, 503);
  t.is((document as { status: string }).status, 'no');
  t.true((document as { reasons: string[] }).reasons.length > 0);
});

test('where there is a secret, who does not know it learns that it is not ready, and no more', async (t) => {
  const [listen, missing] = ['127.0.0.1:26901', '127.0.0.2:26901'];
  await startedNode(t, { peers: [listen, missing], listen, partitions: 4, secret: 'swordfish' });
  const { status, document } = await get(listen, '/readyz');
  t.is(status, 503);
  t.deepEqual(document, { status: 'no', reasons: ['not ready; `keyval status` says why'] });
});

test('a cluster with a secret answers as well: probes have none', async (t) => {
  const { address } = await readyNode(t, { secret: 'swordfish', maxConnections: 1 });
  await using client = await connect(address, { secret: 'swordfish' });
  await client.ping();
  t.is((await get(address, '/readyz')).status, 200, 'and it takes the place of no client');
});

test('a request in single bytes, and one whose sender half-closes, are answered; then the node closes', async (t) => {
  const { address } = await readyNode(t);
  const slow = await open(address);
  slow.setNoDelay(true);
  const said = heard(slow);
  for (const sign of 'GET /livez HTTP/1.1\r\n\r\n') slow.write(sign);
  t.regex(await said, /^HTTP\/1\.1 200 OK\r\n/);
  slow.destroy();
  const ended = await open(address);
  ended.end('HEAD /livez HTTP/1.1\r\n\r\n');
  t.regex(await heard(ended), /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
});

test('one answer, whatever follows; what is no request is told so', async (t) => {
  const { address } = await readyNode(t);
  const eager = await open(address);
  const said = heard(eager);
  eager.write('GET /livez HTTP/1.1\r\n\r\n'.repeat(3));
  t.is((await said).match(/HTTP\/1\.1/g)?.length, 1);
  eager.destroy();
  const strange = await open(address);
  strange.write('QUIT now\r\n\r\n');
  t.regex(await heard(strange), /^HTTP\/1\.1 400 /);
  strange.destroy();
});

test('a request that never ends is closed by whoever closes strangers, with no frame in it', async (t) => {
  const accepted = Promise.withResolvers<Channel>();
  const asked = Promise.withResolvers<void>();
  const nothing = (): void => undefined;
  const acceptor = await listen(
    { host: '127.0.0.1', port: 0 },
    (channel) => {
      accepted.resolve(channel);
      return { received: () => t.fail('this is no frame'), drained: nothing, ended: nothing };
    },
    () => ({
      received: () => {
        asked.resolve();
        return null;
      },
    }),
  );
  t.teardown(() => acceptor.close());
  const socket = await open(formatAddress(acceptor.address));
  socket.write('GET /livez HTTP/1.1\r\nHost: ');
  const channel = await accepted.promise;
  await asked.promise;
  t.true(channel.write(new TextEncoder().encode('no login within 5000 ms')));
  channel.end();
  t.is(await heard(socket), '');
  socket.destroy();
});

test('frames still come in by the same port', async (t) => {
  const { address } = await readyNode(t);
  await using client = await connect(address);
  await client.put('k', 'v');
  t.is(await client.get('k'), 'v');
});

test('keyval-node answers too', async (t) => {
  const { address } = await servingNode(t);
  t.deepEqual(await get(address, '/readyz'), { status: 200, document: { status: 'ok' } });
});
