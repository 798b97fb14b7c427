/** `keyval connections`: who is connected to each node, and what it costs the node. */
import type { NodeConnections } from '../../client/cluster-status.ts';
import { ExitCode } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { withClient } from '../shared/connection.ts';
import { formatOf, printResults } from '../shared/output.ts';
import { bytesText, spanText, table } from '../shared/table.ts';

const HEADINGS = ['NODE', 'FROM', 'NAME', 'ROLE', 'AGE', 'FRAMES IN', 'BYTES IN', 'UNSENT', 'MEMORY', 'READ'];

export const connections: Command = {
  name: 'connections',
  operands: [],
  summary: 'show who is connected to each node and the memory each connection holds',
  details:
    'Of each node the 100 connections that hold most memory, largest first. UNSENT: replies that the other side has not taken yet. READ: "paused" while it is not read, because its replies pile up or it waits for its turn.',
  options: {},
  examples: [
    ['keyval connections', 'a table for people'],
    ['keyval connections --output ndjson', 'one line a connection'],
  ],
  async run({ values }) {
    const format = formatOf(values);
    const found = await withClient(values, (client) => client.connections());
    const lines = found.flatMap((node) => node.connections.map((facts) => ({ endpoint: node.endpoint, ...facts })));
    await printResults(format, { document: { nodes: found }, lines, text: connectionsText(found) });
    return found.every(({ error }) => error === null) ? ExitCode.ok : ExitCode.error;
  },
};

export function connectionsText(found: readonly NodeConnections[]): string {
  const rows = found.flatMap(({ endpoint, connections: list }) =>
    list.map((facts) => [
      endpoint,
      facts.from,
      facts.name === '' ? '-' : facts.name,
      facts.role,
      spanText(facts.ageMs),
      `${facts.framesIn}`,
      bytesText(facts.bytesIn),
      bytesText(facts.unsentBytes),
      bytesText(facts.memoryBytes),
      facts.paused ? 'paused' : 'open',
    ]),
  );
  const down = found.flatMap(({ endpoint, error }) =>
    error === null ? [] : [`${endpoint} is down: ${error.code}: ${error.message}`],
  );
  return [table([HEADINGS, ...rows]), down.join('\n')].filter((paragraph) => paragraph !== '').join('\n\n');
}
