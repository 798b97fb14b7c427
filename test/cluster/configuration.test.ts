// Nodes that were not started alike refuse each other and say what differs.
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { connect, startNode } from '../../src/index.ts';

const PORT = 26_300;
const fleeting = { data: 'none', new: true, logLevel: 'silent' } as const;

async function reasonOf(
  options: Parameters<typeof startNode>[0],
  other: Parameters<typeof startNode>[0],
): Promise<string> {
  const one = await startNode({ ...fleeting, ...options });
  const two = await startNode({ ...fleeting, ...other });
  try {
    for (let tries = 0; tries < 1000; tries += 1) {
      const status = one.status() as { peers: { state: string; reason: string | null }[] };
      const refused = status.peers.find((peer) => peer.state === 'refused');
      if (refused !== undefined) return refused.reason ?? '';
      await sleep(10);
    }
    return 'never refused';
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}

function hosts(port: number, ...numbers: number[]): string[] {
  return numbers.map((number) => `127.0.0.${number}:${port}`);
}

test('different --peers: the difference is named', async (t) => {
  const reason = await reasonOf(
    { peers: hosts(PORT, 1, 2, 3), listen: `127.0.0.1:${PORT}` },
    { peers: hosts(PORT, 1, 2, 4), listen: `127.0.0.2:${PORT}` },
  );
  t.regex(reason, /KV_CONFIG_MISMATCH/);
  t.regex(reason, /127\.0\.0\.3/);
  t.regex(reason, /127\.0\.0\.4/);
});

test('different --partitions and --replicas', async (t) => {
  const port = PORT + 1;
  const reason = await reasonOf(
    { peers: hosts(port, 1, 2), listen: `127.0.0.1:${port}`, partitions: 64, replicas: 2 },
    { peers: hosts(port, 1, 2), listen: `127.0.0.2:${port}`, partitions: 128, replicas: 1 },
  );
  t.regex(reason, /--partitions is 64 there and 128 here/);
  t.regex(reason, /--replicas is 2 there and 1 here/);
});

test('another cluster at the address of a peer', async (t) => {
  const port = PORT + 2;
  const reason = await reasonOf(
    { peers: hosts(port, 1, 2), listen: `127.0.0.1:${port}`, cluster: 'blue' },
    { peers: hosts(port, 1, 2), listen: `127.0.0.2:${port}`, cluster: 'green' },
  );
  t.regex(reason, /KV_WRONG_CLUSTER/);
  t.regex(reason, /'green'/);
});

test('a peer with another secret', async (t) => {
  const port = PORT + 3;
  const one = await startNode({
    peers: hosts(port, 1, 2),
    listen: `127.0.0.1:${port}`,
    secret: 'a',
    ...fleeting,
  });
  const two = await startNode({
    peers: hosts(port, 1, 2),
    listen: `127.0.0.2:${port}`,
    secret: 'b',
    ...fleeting,
  });
  t.teardown(() => Promise.all([one.close(), two.close()]));
  const reason = (): string => (one.status() as { peers: { reason: string | null }[] }).peers[0]?.reason ?? '';
  for (let tries = 0; tries < 1000 && !/KV_UNAUTHORIZED/.test(reason()); tries += 1) await sleep(10);
  t.regex(reason(), /KV_UNAUTHORIZED/);
});

test('a node waits for peers that start later', async (t) => {
  const port = PORT + 4;
  const peers = hosts(port, 1, 2);
  const one = await startNode({ peers, listen: peers[0] as string, ...fleeting });
  t.teardown(() => one.close());
  const kv = await connect(peers);
  t.teardown(() => kv.close());
  const put = kv.put('key', 'value', { timeoutMs: 20_000 });
  const two = await startNode({ peers, listen: peers[1] as string, ...fleeting });
  t.teardown(() => two.close());
  await put;
  t.is(await kv.get('key'), 'value');
});
