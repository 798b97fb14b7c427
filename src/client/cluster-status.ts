/** Asking nodes about themselves: `ping` and `status`. */
import { KeyvalError } from '../errors.ts';
import { StatusOf } from '../protocol/client-codec.ts';
import type { ConnectionFacts, WorkerFacts } from '../protocol/node-facts.ts';
import { PING, STAT } from '../protocol/opcode.ts';
import { type Bounds, NO_PARTITION, requestBody } from './body-request.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';

export interface PingResult {
  /** Address of the node. */
  readonly node: string;
  readonly roundTripMs: number;
}

/** What a node says of itself. Numbers of keys, locks, waiters and sessions count what it is primary of. */
export interface NodeFacts {
  readonly address: string;
  readonly id: string;
  readonly incarnation: string;
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  readonly uptimeMs: number;
  /** Processor time used since the start, user and system. */
  readonly cpuMicros: number;
  readonly memory: { readonly usedBytes: number; readonly maxBytes: number; readonly residentBytes: number };
  readonly keptIn: 'memory';
  readonly workers: WorkerFacts;
  readonly keys: number;
  readonly locks: number;
  readonly waiters: number;
  readonly sessions: number;
  /** Clients connected now. */
  readonly connections: number;
  /** Memory held for all connections: buffers, requests and replies on their way. */
  readonly connectionBytes: number;
  readonly partitions: {
    readonly total: number;
    readonly primary: number;
    readonly backup: number;
    readonly serving: number;
  };
  /** Why some partition does not take writes now, or null. */
  readonly obstacle: string | null;
  readonly peers: readonly { readonly address: string; readonly state: string; readonly reason: string | null }[];
}

export type NodeStatus =
  | ({ readonly endpoint: string; readonly state: 'up' } & NodeFacts)
  | {
      readonly endpoint: string;
      readonly state: 'down';
      readonly error: { readonly code: string; readonly message: string };
    };

export interface ClusterStatus {
  readonly cluster: string;
  readonly nodes: readonly NodeStatus[];
}

export interface NodeConnections {
  readonly endpoint: string;
  /** Those that hold most memory, largest first; at most 100. Empty when the node does not answer. */
  readonly connections: readonly ConnectionFacts[];
  /** Why the node does not answer, or null. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

const utf8 = new TextDecoder();
const NOTHING: Uint8Array = new Uint8Array(0);

function ask(
  dispatcher: Dispatcher,
  link: NodeLink,
  opcode: number,
  bounds: Bounds,
  body: Uint8Array = NOTHING,
): Promise<Uint8Array> {
  return requestBody(dispatcher, { opcode, body, partition: NO_PARTITION, link, ...bounds });
}

/** Members of the table, or the endpoints given while none is known. */
function nodesOf(dispatcher: Dispatcher): readonly NodeLink[] {
  return dispatcher.router.links.length > 0 ? dispatcher.router.links : dispatcher.links;
}

/** @throws KeyvalError when one of them does not answer in time; KV_USAGE for an endpoint that is no member */
export function pingNodes(dispatcher: Dispatcher, bounds: Bounds, endpoint?: string): Promise<PingResult[]> {
  const links = nodesOf(dispatcher).filter((link) => endpoint === undefined || link.endpoint === endpoint);
  if (links.length === 0) throw new KeyvalError('KV_USAGE', `${endpoint} is not a member of the cluster`);
  const { clock } = dispatcher.ports;
  return Promise.all(
    links.map(async (link) => {
      const sent = clock.monotonicMs();
      await ask(dispatcher, link, PING, bounds);
      return { node: link.endpoint, roundTripMs: clock.monotonicMs() - sent };
    }),
  );
}

export async function clusterStatus(dispatcher: Dispatcher, cluster: string, bounds: Bounds): Promise<ClusterStatus> {
  const nodes = await Promise.all(nodesOf(dispatcher).map((link) => nodeStatus(dispatcher, link, bounds)));
  return { cluster, nodes };
}

async function nodeStatus(dispatcher: Dispatcher, link: NodeLink, bounds: Bounds): Promise<NodeStatus> {
  const { endpoint } = link;
  try {
    if (!link.up && link.lastError !== null) throw link.lastError;
    const facts = JSON.parse(utf8.decode(await ask(dispatcher, link, STAT, bounds))) as NodeFacts;
    return { endpoint, state: 'up', ...facts };
  } catch (error) {
    return { endpoint, state: 'down', error: failureOf(error) };
  }
}

export function nodeConnections(dispatcher: Dispatcher, bounds: Bounds): Promise<NodeConnections[]> {
  return Promise.all(nodesOf(dispatcher).map((link) => connectionsOf(dispatcher, link, bounds)));
}

async function connectionsOf(dispatcher: Dispatcher, link: NodeLink, bounds: Bounds): Promise<NodeConnections> {
  const { endpoint } = link;
  try {
    if (!link.up && link.lastError !== null) throw link.lastError;
    const body = new Uint8Array([StatusOf.connections]);
    const text = utf8.decode(await ask(dispatcher, link, STAT, bounds, body));
    return { endpoint, connections: JSON.parse(text) as ConnectionFacts[], error: null };
  } catch (error) {
    return { endpoint, connections: [], error: failureOf(error) };
  }
}

/** @throws KeyvalError KV_ABORTED: that says nothing of the node */
function failureOf(error: unknown): { code: string; message: string } {
  if (error instanceof KeyvalError && error.code === 'KV_ABORTED') throw error;
  const code = error instanceof KeyvalError ? error.code : 'KV_INTERNAL';
  return { code, message: error instanceof Error ? error.message : String(error) };
}
