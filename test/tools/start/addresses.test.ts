/** Where the nodes of `npm start` listen. */
import { createServer } from 'node:net';
import test from 'ava';
import { format, nextFreePort, planAddresses, probe } from '../../../tools/start/addresses.ts';
import { freePort } from './ports.ts';

test('one address a node, or one port a node', async (t) => {
  const port = await freePort(3);
  const { addresses, taken } = await planAddresses(3, port);
  const names = addresses.map(format);
  const hasManyAddresses = (await probe({ host: '127.0.0.3', port })) !== 'no-such-address';
  t.is(taken, null);
  t.deepEqual(
    names,
    hasManyAddresses
      ? [`127.0.0.1:${port}`, `127.0.0.2:${port}`, `127.0.0.3:${port}`]
      : [`127.0.0.1:${port}`, `127.0.0.1:${port + 1}`, `127.0.0.1:${port + 2}`],
  );
});

test('says which address is taken, and finds another port', async (t) => {
  const port = await freePort(2);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.teardown(() => server.close());

  const { taken } = await planAddresses(2, port);
  t.deepEqual(taken, { host: '127.0.0.1', port });
  const other = await nextFreePort(2, port);
  t.true(other !== null && other > port);
  t.is((await planAddresses(2, other ?? 0)).taken, null);
});
