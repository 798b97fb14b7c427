/** A node in a process of its own, whose main thread its parent may block: it stands in a loop and comes round to nothing. */
import { startNode } from '../../src/start-node.ts';

export interface StallableOptions {
  readonly listen: string;
  readonly peers: readonly string[];
  readonly partitions: number;
}

const { listen, peers, partitions } = JSON.parse(process.argv[2] as string) as StallableOptions;
const node = await startNode({ listen, peers, partitions, data: 'none', new: true, logLevel: 'info' });
process.on('disconnect', () => process.exit());
process.on('message', (forMs: number) => {
  const until = performance.now() + forMs;
  while (performance.now() < until);
  process.send?.('awake');
});
await node.ready();
process.send?.('ready');
