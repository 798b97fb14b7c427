/** `keyval ping`: one round trip to every node. */
import type { NodeStatus } from '../../client/cluster-status.ts';
import { ExitCode, KeyvalError } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { type BytesClient, withClient } from '../shared/connection.ts';
import { formatOf, printResults } from '../shared/output.ts';
import { table } from '../shared/table.ts';

interface Pong {
  readonly node: string;
  /** Null when it did not answer. */
  readonly roundTripMs: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export const ping: Command = {
  name: 'ping',
  operands: [],
  summary: 'measure a round trip to every node',
  details: 'Exit code 0 when all nodes answer, otherwise 1.',
  options: {},
  examples: [['keyval ping', 'milliseconds to each node']],
  async run({ values }) {
    const format = formatOf(values);
    const pongs = await withClient(values, pingAll);
    const lines = pongs.map((pong) => ({ ...pong }));
    await printResults(format, { document: { nodes: pongs }, lines, text: table(pongs.map(rowOf)) });
    return pongs.every(({ error }) => error === null) ? ExitCode.ok : ExitCode.error;
  },
};

/** Status first: it tells who the nodes are, opens the connections, and lets nodes that are down fail one by one. */
async function pingAll(client: BytesClient): Promise<Pong[]> {
  const { nodes } = await client.status();
  return Promise.all(nodes.map((node) => pingOne(client, node)));
}

async function pingOne(client: BytesClient, node: NodeStatus): Promise<Pong> {
  if (node.state === 'down') return { node: node.endpoint, roundTripMs: null, error: node.error };
  try {
    const [answer] = await client.ping(node.endpoint);
    return { node: node.endpoint, roundTripMs: answer?.roundTripMs ?? null, error: null };
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    return { node: node.endpoint, roundTripMs: null, error: { code: error.code, message: error.message } };
  }
}

function rowOf({ node, roundTripMs, error }: Pong): string[] {
  return [node, roundTripMs === null ? `${error?.code}: ${error?.message}` : `${roundTripMs.toFixed(3)} ms`];
}
