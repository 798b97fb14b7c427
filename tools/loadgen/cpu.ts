/** Processor time, of this process and of the nodes, between two moments. */
import type { Client, ClusterStatus } from '../../src/index.ts';

export interface CpuMoment {
  /** User and system time of this process with all its threads, µs. */
  readonly clientMicros: number;
  readonly nodes: ClusterStatus['nodes'];
}

export interface CpuUse {
  readonly clientMicros: number;
  /** Of all nodes together; null when one was down or restarted, so that nobody can tell. */
  readonly nodesMicros: number | null;
}

export async function cpuNow(client: Client): Promise<CpuMoment> {
  const { nodes } = await client.status();
  const { user, system } = process.cpuUsage();
  return { clientMicros: user + system, nodes };
}

export function cpuBetween(before: CpuMoment, after: CpuMoment): CpuUse {
  const perNode = after.nodes.map((node) => {
    const earlier = before.nodes.find(({ endpoint }) => endpoint === node.endpoint);
    if (node.state === 'down' || earlier?.state !== 'up' || earlier.incarnation !== node.incarnation) return null;
    return node.cpuMicros - earlier.cpuMicros;
  });
  const nodesMicros = perNode.reduce((sum, micros) => (sum === null || micros === null ? null : sum + micros), 0);
  return { clientMicros: after.clientMicros - before.clientMicros, nodesMicros };
}
