/** What `startNode` and `keyval-node` take, checked and with its defaults. Every mistake is KV_USAGE and names the option. */
import { availableParallelism, networkInterfaces } from 'node:os';
import { DEFAULT_PORT, formatAddress, isLoopback, parseAddress } from './base/address.ts';
import { isPartitionCount } from './base/hash-slot.ts';
import { anything, bytes, flag, OptionTable, text, texts } from './base/option-table.ts';
import type { Address, LogLevel } from './base/ports.ts';
import { KeyvalError } from './errors.ts';
import {
  DEADLOCK_MS_MAX,
  DEFAULT_CLUSTER,
  DEFAULT_CONNECTIONS_MAX,
  DEFAULT_DEADLOCK_AFTER_MS,
  DEFAULT_DEADLOCK_PERIOD_MS,
  DEFAULT_MAX_LEASE_MS,
  DEFAULT_MIN_IN_SYNC,
  DEFAULT_PARTITIONS,
  DEFAULT_REPLICAS,
  MAX_LEASE_MS_MAX,
  MAX_LEASE_MS_MIN,
  type NodeSettings,
  type OnLoss,
  type Reads,
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
  /** Least copies, the primary's included, that must hold a write; default 2, capped by the number of members. */
  readonly min?: number;
  /** Partitions, a power of two from 1 to 16,384; default 256. Fixed for the life of the cluster. */
  readonly partitions?: number;
  /**
   * Directory for what must outlive the node: which cluster it belongs to and how it has voted; the keys live in memory.
   * `none`: nothing is kept, and the node joins a cluster but founds none unless it is `new`. Default:
   * `./keyval-data/HOST-PORT` with `peers`; without them `none`.
   */
  readonly data?: string;
  /**
   * There was no such cluster before, so that no client believes in a lock of it: it is founded, and grants locks, at once.
   * Default: false; true for a node without `peers` and without a directory.
   */
  readonly new?: boolean;
  /**
   * What becomes of partitions whose every copy is gone: they `stop` until an operator decides, or begin anew, `empty`.
   * Default: `stop`; `empty` without `peers`.
   */
  readonly onLoss?: OnLoss;
  /** How reads are served that do not say it; default `lease`. */
  readonly reads?: Reads;
  /** Name of the place where it stands, so that copies of a key go to different ones; default none. */
  readonly zone?: string;
  /** It votes and keeps no keys; default false. */
  readonly witness?: boolean;
  /** Longest lease of a lock or session; default 60,000. */
  readonly maxLeaseMs?: number;
  /** How often deadlocks are looked for, milliseconds; default 1,000; 0: never. Of the node that leads the cluster. */
  readonly deadlockPeriodMs?: number;
  /** Only waits that have lasted so long are looked at, milliseconds; default 500. Of the node that leads the cluster. */
  readonly deadlockAfterMs?: number;
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

/** Numbers are looked at by `whole`. */
const startNodeTable: OptionTable<NodeOptions> = new OptionTable('startNode', {
  peers: texts,
  listen: text,
  advertise: text,
  port: anything,
  cluster: text,
  secret: bytes,
  insecure: flag,
  replicas: anything,
  min: anything,
  partitions: anything,
  data: text,
  new: flag,
  onLoss: text,
  reads: text,
  zone: text,
  witness: flag,
  maxLeaseMs: anything,
  deadlockPeriodMs: anything,
  deadlockAfterMs: anything,
  maxMemoryBytes: anything,
  maxConnections: anything,
  workerThreads: anything,
  logLevel: text,
});

export interface CheckedNodeOptions {
  readonly settings: NodeSettings;
  readonly listen: Address;
  /** The state directory; null: none. */
  readonly data: string | null;
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
/** In place of a directory: nothing is kept. */
export const NO_DATA = 'none';
export const lossPolicies: readonly OnLoss[] = ['stop', 'empty'];
export const logLevels: readonly (LogLevel | 'silent')[] = ['silent', 'fatal', 'error', 'warn', 'info', 'debug'];
export const readModes: readonly Reads[] = ['strict', 'lease'];

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
export const ZONE_FORM: RegExp = CLUSTER_FORM;
export const ZONE_RULE: string = CLUSTER_RULE;

/** Where a node keeps its state unless somebody says so: beside it, under a name of its own. */
export function defaultDataDirectory(address: string): string {
  return `./keyval-data/${address
    .replaceAll(/[[\]]/g, '')
    .replace(/:(?=\d+$)/, '-')
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')}`;
}

/**
 * As `keyval-node` takes them: a process keeps its state also when it is alone; but not one whose port the system chooses,
 * which nobody, itself included, would find again.
 */
export function optionsOfProcess(options: NodeOptions): NodeOptions {
  if (options.data !== undefined) return options;
  const { settings } = checkNodeOptions(options, '');
  const data = settings.address.endsWith(':0') ? NO_DATA : defaultDataDirectory(settings.address);
  return { ...options, data };
}

/** @throws KeyvalError KV_USAGE */
export function checkNodeOptions(options: NodeOptions, version: string): CheckedNodeOptions {
  const fault = startNodeTable.fault(options);
  if (fault !== null) throw usage(fault);
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
  const isAlone = members.length <= 1;
  const data = dataOf(options, isAlone, address);
  const replicas = whole('replicas', options.replicas ?? DEFAULT_REPLICAS, 1, REPLICAS_MAX);
  const isWitness = options.witness ?? false;
  const isNew = options.new ?? (isAlone && data === null);
  checkBeginning({ isAlone, isNew, isWitness, data });
  const settings: NodeSettings = {
    cluster: clusterName(options.cluster ?? DEFAULT_CLUSTER),
    address,
    members: members.length === 0 ? [address] : members,
    partitions: partitionCount(options.partitions ?? DEFAULT_PARTITIONS),
    replicas,
    minInSync: minOf(options.min, replicas),
    isNew,
    onLoss: oneOf('on-loss', options.onLoss ?? (isAlone ? 'empty' : 'stop'), lossPolicies),
    reads: oneOf('reads', options.reads ?? 'lease', readModes),
    zone: zoneOf(options.zone),
    isWitness,
    maxLeaseMs: maxLeaseOf(options.maxLeaseMs ?? DEFAULT_MAX_LEASE_MS),
    deadlockPeriodMs: whole(
      'deadlock-period',
      options.deadlockPeriodMs ?? DEFAULT_DEADLOCK_PERIOD_MS,
      0,
      DEADLOCK_MS_MAX,
    ),
    deadlockAfterMs: whole('deadlock-after', options.deadlockAfterMs ?? DEFAULT_DEADLOCK_AFTER_MS, 0, DEADLOCK_MS_MAX),
    secret,
    memoryBytesMax: whole('max-memory', options.maxMemoryBytes ?? 0, 0, Number.MAX_SAFE_INTEGER),
    connectionsMax: whole('max-connections', options.maxConnections ?? DEFAULT_CONNECTIONS_MAX, 1, CONNECTIONS_MAX),
    version,
  };
  const workerThreads = whole('worker-threads', options.workerThreads ?? defaultWorkerThreads(), 0, WORKER_THREADS_MAX);
  return { settings, listen, data, workerThreads, logLevel: oneOf('log-level', options.logLevel ?? 'info', logLevels) };
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

function oneOf<T extends string>(name: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  throw usage(`--${name} is ${choices.join(', ')}, not '${value}'`);
}

/** More than there are copies can never hold a write. What nobody asked for is capped instead. */
function minOf(min: number | undefined, replicas: number): number {
  if (min === undefined) return Math.min(DEFAULT_MIN_IN_SYNC, replicas);
  whole('min', min, 1, REPLICAS_MAX);
  if (min <= replicas) return min;
  throw usage(`--min ${min} is more than the copies there are, --replicas ${replicas}: no write could ever succeed`);
}

function maxLeaseOf(ms: number): number {
  if (Number.isInteger(ms) && ms >= MAX_LEASE_MS_MIN && ms <= MAX_LEASE_MS_MAX) return ms;
  throw usage(`--max-lease is a time from ${MAX_LEASE_MS_MIN / 1000}s to ${MAX_LEASE_MS_MAX / 1000}s, not ${ms}ms`);
}

function zoneOf(zone: string | undefined): string {
  if (zone === undefined || ZONE_FORM.test(zone)) return zone ?? '';
  throw usage(`--zone is ${ZONE_RULE}, not '${zone}'`);
}

function dataOf({ data }: NodeOptions, isAlone: boolean, address: string): string | null {
  if (data === '') throw usage(`--data is the path of a directory, or ${NO_DATA}, not ''`);
  if (data === undefined) return isAlone ? null : defaultDataDirectory(address);
  return data === NO_DATA ? null : data;
}

interface Beginning {
  readonly isAlone: boolean;
  readonly isNew: boolean;
  readonly isWitness: boolean;
  readonly data: string | null;
}

/** What could never begin to serve. */
function checkBeginning({ isAlone, isNew, isWitness, data }: Beginning): void {
  if (isWitness && isAlone) {
    throw usage('--witness votes and keeps no keys: name the nodes that keep them with --peers, this one included');
  }
  if (data !== null || isNew) return;
  if (isAlone) {
    throw usage(
      `--data ${NO_DATA} without --new: a node without a directory founds no cluster, and no --peers are named`,
    );
  }
  if (isWitness) {
    throw usage(
      `--witness with --data ${NO_DATA}: it is there to vote, and who forgets its votes may not; name a directory`,
    );
  }
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
