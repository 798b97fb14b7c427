/** What `startNode` and `keyval-node` take, checked and with its defaults. Every mistake is KV_USAGE and names the option. */
import { availableParallelism, networkInterfaces } from 'node:os';
import { DEFAULT_PORT, formatAddress, isLoopback, parseAddress } from './base/address.ts';
import { isPartitionCount } from './base/hash-slot.ts';
import type { Address, LogLevel } from './base/ports.ts';
import { KeyvalError } from './errors.ts';
import {
  DEFAULT_CLUSTER,
  DEFAULT_CONNECTIONS_MAX,
  DEFAULT_PARTITIONS,
  DEFAULT_REPLICAS,
  type NodeSettings,
} from './node/settings.ts';

export interface NodeOptions {
  /** All members, own address included: `host`, `host:port`, `[v6]:port`. None: a cluster of one. */
  readonly peers?: readonly string[];
  /** Where to listen. Default: the only entry of `peers` that is this machine's; 127.0.0.1 without `peers`. */
  readonly listen?: string;
  /** Own address as the other members know it. Default: as `listen`. */
  readonly advertise?: string;
  /** Port of all addresses that name none; default 6234. */
  readonly port?: number;
  /** Name of the cluster; default `keyval`. */
  readonly cluster?: string;
  /** Shared secret of nodes and clients. */
  readonly secret?: string | Uint8Array;
  /** Allows listening beyond this machine without a secret. */
  readonly insecure?: boolean;
  /** Copies of each partition; default 3, capped by the number of members. */
  readonly replicas?: number;
  /** Partitions, a power of two from 1 to 16,384; default 256. Fixed for the life of the cluster. */
  readonly partitions?: number;
  /** Memory for keys and everything around them; 0, the default: no limit. */
  readonly maxMemoryBytes?: number;
  /** Clients at a time; default 10,000. */
  readonly maxConnections?: number;
  /**
   * Threads for what is large: chunks of rows, exports, digests; 0: none, the main thread does it. Default: none with one
   * or two processors, otherwise one less than there are, at most 4.
   */
  readonly workerThreads?: number;
  /** Default: `info`. */
  readonly logLevel?: LogLevel | 'silent';
}

export interface CheckedNodeOptions {
  readonly settings: NodeSettings;
  readonly listen: Address;
  readonly workerThreads: number;
  readonly logLevel: LogLevel | 'silent';
}

const MEMBERS_MAX = 100;
/** Nodes tell each other all addresses before they are logged in, in a frame of at most 4 KiB. */
const MEMBERS_TEXT_MAX = 3400;
export const REPLICAS_MAX = 7;
export const CONNECTIONS_MAX = 1_000_000;
export const PORT_MAX = 65_535;
export const WORKER_THREADS_MAX = 64;

/**
 * One processor is left to the main thread. With two a thread takes from everybody what it saves the main thread: with
 * three nodes on two processors small requests waited longer during an import (`npm run bulk-bench`, p99 20 ms against 9).
 */
export function defaultWorkerThreads(processors: number = availableParallelism()): number {
  return processors <= 2 ? 0 : Math.min(4, processors - 1);
}

/** What the name of a cluster looks like, and the same in words. */
export const CLUSTER_FORM: RegExp = /^[A-Za-z0-9._-]{1,64}$/;
export const CLUSTER_RULE = '1 to 64 letters, digits, dots, dashes or underscores';

/** @throws KeyvalError KV_USAGE */
export function checkNodeOptions(options: NodeOptions, version: string): CheckedNodeOptions {
  const port = whole('port', options.port ?? DEFAULT_PORT, 0, PORT_MAX);
  const members = membersOf(options.peers ?? [], port);
  const listen = listenAddress(options, members, port);
  const address = ownAddress(options, members, listen, port);
  const secret = secretOf(options.secret);
  if (!isLoopback(listen.host) && secret === null && options.insecure !== true) {
    throw usage(
      `listening on ${formatAddress(listen)}, beyond this machine, needs --secret-file FILE (the same secret on all nodes and clients), or --insecure for a network that you trust`,
    );
  }
  const settings: NodeSettings = {
    cluster: clusterName(options.cluster ?? DEFAULT_CLUSTER),
    address,
    members: members.length === 0 ? [address] : members,
    partitions: partitionCount(options.partitions ?? DEFAULT_PARTITIONS),
    replicas: whole('replicas', options.replicas ?? DEFAULT_REPLICAS, 1, REPLICAS_MAX),
    secret,
    memoryBytesMax: whole('max-memory', options.maxMemoryBytes ?? 0, 0, Number.MAX_SAFE_INTEGER),
    connectionsMax: whole('max-connections', options.maxConnections ?? DEFAULT_CONNECTIONS_MAX, 1, CONNECTIONS_MAX),
    version,
  };
  const workerThreads = whole('worker-threads', options.workerThreads ?? defaultWorkerThreads(), 0, WORKER_THREADS_MAX);
  return { settings, listen, workerThreads, logLevel: options.logLevel ?? 'info' };
}

function usage(message: string): KeyvalError {
  return new KeyvalError('KV_USAGE', message);
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw usage(`--${name} is a whole number from ${least} to ${most}, not ${value}`);
}

function partitionCount(partitions: number): number {
  if (isPartitionCount(partitions)) return partitions;
  throw usage(`--partitions is a power of two from 1 to 16,384, not ${partitions}`);
}

function clusterName(name: string): string {
  if (CLUSTER_FORM.test(name)) return name;
  throw usage(`--cluster is ${CLUSTER_RULE}, not '${name}'`);
}

function secretOf(secret: string | Uint8Array | undefined): Uint8Array | null {
  if (secret === undefined) return null;
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  if (bytes.length === 0) throw usage('the secret is empty');
  return bytes;
}

function addressOf(option: string, text: string, port: number): Address {
  const address = parseAddress(text, port);
  if (address === null) throw usage(`--${option}: '${text}' is no address; write host, host:port or [v6]:port`);
  return address;
}

/** Sorted, as all nodes must see them the same. */
function membersOf(peers: readonly string[], port: number): string[] {
  const members = peers.map((text) => formatAddress(addressOf('peers', text, port)));
  const twice = members.find((member, index) => members.indexOf(member) !== index);
  if (twice !== undefined) throw usage(`--peers names ${twice} twice`);
  if (members.length > MEMBERS_MAX)
    throw usage(`--peers names ${members.length} nodes; at most ${MEMBERS_MAX} are possible`);
  if (members.join(' ').length > MEMBERS_TEXT_MAX) {
    throw usage(
      `--peers is too long: ${members.join(' ').length} characters, at most ${MEMBERS_TEXT_MAX} fit the login of nodes`,
    );
  }
  const portless = members.find((member) => member.endsWith(':0'));
  if (portless !== undefined) throw usage(`--peers: ${portless} has no port that others could dial`);
  return members.sort();
}

function listenAddress(options: NodeOptions, members: readonly string[], port: number): Address {
  if (options.listen !== undefined) return addressOf('listen', options.listen, port);
  if (options.advertise !== undefined && members.length === 0) return { host: '127.0.0.1', port };
  if (members.length === 0) return { host: '127.0.0.1', port };
  const own = members.filter((member) => isOwn(addressOf('peers', member, port).host));
  if (own.length === 1) return addressOf('peers', own[0] as string, port);
  const peers = members.join(',');
  if (own.length === 0) {
    throw usage(
      `none of --peers ${peers} is an address of this machine; say which one it is: --listen ADDRESS --advertise ${members[0]}`,
    );
  }
  throw usage(
    `several of --peers are addresses of this machine; say which one this node is: --peers ${peers} --listen ${own[0]}`,
  );
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isOwn(host: string): boolean {
  if (isLoopback(host)) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((entry) => entry.address === host));
}

function ownAddress(options: NodeOptions, members: readonly string[], listen: Address, port: number): string {
  const text = options.advertise === undefined ? listen : addressOf('advertise', options.advertise, port);
  const address = formatAddress(text);
  if (members.length > 0 && options.advertise === undefined && isWildcard(listen.host)) {
    throw usage(
      `--listen ${listen.host} is no address that others could dial; say which of --peers this node is: --listen ${listen.host} --advertise ${members[0]}`,
    );
  }
  if (members.length > 0 && !members.includes(address)) {
    const option = options.advertise === undefined ? 'listen' : 'advertise';
    throw usage(`--${option} ${address} is not among --peers ${members.join(',')}; list all nodes, this one included`);
  }
  return address;
}
