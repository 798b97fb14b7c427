// Nodes restarted one after the other, never two at a time: memory of what existed is handed on (R4, R9).
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import { connect, type RunningNode, startNode } from '../../src/index.ts';

const PORT = 26_500;
const keys = Array.from({ length: 40 }, (_, i) => `key:${i}`);

/**
 * Test files are threads of one process: a child process that another one is just starting holds a copy of every socket
 * until it has become another program, so an address that was closed here may be in use for a moment.
 */
async function start(peers: readonly string[], index: number): Promise<RunningNode> {
  const listen = peers[index] as string;
  const options = { peers, listen, partitions: 8, data: 'none', new: true, logLevel: 'silent' } as const;
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      return await startNode(options);
    } catch (error) {
      if (!(error instanceof KeyvalError) || error.code !== 'KV_ADDRESS_IN_USE') throw error;
      await sleep(20);
    }
  }
  return startNode(options);
}

/** Waits until the node has met its peers in its new life and takes nothing. */
async function refused(node: RunningNode): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const { peers, obstacle } = node.status() as { peers: { state: string }[]; obstacle: string | null };
    if (peers.every(({ state }) => state === 'up') && /KV_RESTARTED/.test(obstacle ?? '')) return;
    await sleep(20);
  }
  throw new Error('the restarted node was never refused');
}

for (const [round, order] of [
  [0, 1, 2],
  [2, 1, 0],
].entries()) {
  test(`R4: restarted in the order ${order.join(', ')}, no acknowledged key reads as absent`, async (t) => {
    const peers = [1, 2, 3].map((host) => `127.0.0.${host}:${PORT + round}`);
    const nodes = await Promise.all([0, 1, 2].map((index) => start(peers, index)));
    t.teardown(() => Promise.all(nodes.map((node) => node.close())));
    await Promise.all(nodes.map((node) => node.ready()));
    const kv = await connect(peers);
    t.teardown(() => kv.close());
    await Promise.all(keys.map((key) => kv.put(key, 'acknowledged')));

    for (const index of order) {
      await nodes[index]?.close();
      nodes[index] = await start(peers, index);
      await refused(nodes[index] as RunningNode);
      const seen = await Promise.all(
        keys.map((key) =>
          kv
            .get(key, { timeoutMs: 400 })
            .catch((error: unknown) => (error instanceof KeyvalError ? error.code : error)),
        ),
      );
      for (const value of seen) t.not(value, null);
    }
  });
}
