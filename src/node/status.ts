/** What a node says of itself when asked (STAT): plain facts, one JSON object. */
import { hexOf } from '../base/bytes.ts';
import type { Node } from './node.ts';

export function nodeStatus(node: Node): Record<string, unknown> {
  const { settings } = node;
  const primaries = node.primaries.filter((partition) => partition !== null);
  const backups = node.backups.filter((partition) => partition !== null);
  const facts = node.ports.processFacts();
  const stuck = primaries.find((partition) => !partition.writable);
  return {
    cluster: settings.cluster,
    address: settings.address,
    id: node.controlStatus().nodeId.toString(16).padStart(12, '0'),
    incarnation: hexOf(node.incarnation),
    version: settings.version,
    protocol: node.protocolVersion,
    uptimeMs: Math.round(node.touch() - node.startedAtMs),
    pid: facts.pid,
    cpuMicros: facts.cpuMicros,
    memory: { usedBytes: node.usedBytes, maxBytes: settings.memoryBytesMax, residentBytes: facts.residentBytes },
    keptIn: 'memory',
    workers: node.ports.workers.stats,
    keys: sum(primaries, (partition) => partition.state.keys.size),
    locks: sum(primaries, (partition) => partition.state.locks.size),
    waiters: sum(primaries, (partition) => partition.state.locks.waiting),
    deadlocks: node.dataPlane.deadlocks.ended,
    sessions: sum(primaries, (partition) => partition.state.attachments.size),
    connections: node.connections.clients,
    connectionBytes: node.connections.memoryBytes,
    partitions: {
      total: node.partitions,
      primary: primaries.length,
      backup: backups.length,
      serving: primaries.filter((partition) => partition.writable).length,
    },
    obstacle: stuck?.obstacle() ?? node.obstacles()[0] ?? null,
    members: node.table().members.filter((address) => address !== ''),
    peers: node.peers.map((peer) => ({
      address: peer.name,
      state: peer.state,
      reason: peer.reason === '' ? null : peer.reason,
    })),
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
