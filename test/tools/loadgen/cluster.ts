/** Three nodes in the process of the test. */
import { type RunningNode, startNode } from '../../../src/index.ts';
import { nextFreePort } from '../../../tools/start/addresses.ts';

const NODES = 3;
const HIGHEST_PORT = 22_999;

/** Serves on three loopback addresses and the first free port from `fromPort` on. */
export async function startCluster(fromPort: number): Promise<readonly RunningNode[]> {
  const port = await nextFreePort(NODES, fromPort - 1);
  if (port === null || port > HIGHEST_PORT) throw new Error(`no free port from ${fromPort} on`);
  const peers = Array.from({ length: NODES }, (_, i) => `127.0.0.${i + 1}:${port}`);
  const nodes = await Promise.all(
    peers.map((listen) => startNode({ peers, listen, data: 'none', new: true, logLevel: 'error' })),
  );
  await Promise.all(nodes.map((node) => node.ready()));
  return nodes;
}
