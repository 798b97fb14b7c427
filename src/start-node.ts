/** `startNode`: a node inside this program, on real sockets. `keyval-node` is this with a command line around it. */
import { resolve } from 'node:path';
import { formatAddress } from './base/address.ts';
import type { Address, Channel, ChannelHandler, Log, Transport } from './base/ports.ts';
import { Turn } from './base/turn.ts';
import { Client } from './client/client.ts';
import { firstConnection } from './client/first-connection.ts';
import { systemPorts } from './client/index.ts';
import { type ConnectOptions, clientSettings } from './client/options.ts';
import { HttpDoor } from './door/http-door.ts';
import type { HealthSource } from './door/http-health.ts';
import type { KeyvalError } from './errors.ts';
import { type Acceptor, listen } from './io/acceptor.ts';
import { systemClock, systemTimers } from './io/clock.ts';
import { LivenessThread } from './io/liveness-thread.ts';
import { createLog } from './io/log.ts';
import { connectInMemory } from './io/memory-channel.ts';
import { processFacts } from './io/process-facts.ts';
import { systemCrypto, systemRandom } from './io/random.ts';
import { StateDirectory } from './io/state-directory.ts';
import { tcpTransport, tcpTransportOf } from './io/tcp-transport.ts';
import { ThreadPool } from './io/worker-pool.ts';
import { Node } from './node/node.ts';
import type { BulkWriter } from './node/ports.ts';
import { type CheckedNodeOptions, checkNodeOptions, type NodeOptions } from './node-options.ts';
import { version } from './version.ts';

/** Requests under way get this long when a node closes. */
const CLOSE_GRACE_MS = 5000;

/** A turn with this much work is busy: more is about to arrive. */
const BUSY_TURN = 4;

/** A node that runs in this program. */
export class RunningNode implements AsyncDisposable {
  /** Where it is reached: `host:port`. */
  readonly address: string;
  readonly log: Log;
  /** Resolves when the node cannot go on by itself, with the reason: its directory is full or damaged. It is to be closed then. */
  readonly failed: Promise<KeyvalError>;
  readonly #node: Node;
  readonly #acceptor: Acceptor;
  readonly #turn: Turn;
  readonly #secret: Uint8Array | null;
  readonly #directory: StateDirectory | null;
  #closing: Promise<void> | null = null;

  constructor(node: Node, acceptor: Acceptor, turn: Turn, directory: StateDirectory | null) {
    this.#node = node;
    this.#acceptor = acceptor;
    this.#turn = turn;
    this.#directory = directory;
    this.#secret = node.settings.secret;
    this.address = node.settings.address;
    this.log = node.ports.log;
    this.failed = new Promise((resolve) => {
      node.onFailure = resolve;
    });
  }

  /** Resolves when every partition of this node takes writes: all its peers are there. */
  ready(): Promise<void> {
    return this.#node.serving();
  }

  /** What `status` says of this node. */
  status(): Record<string, unknown> {
    return JSON.parse(this.#node.status()) as Record<string, unknown>;
  }

  /** A client in this program; requests for this node's own partitions pass through no socket. */
  async client<V = string>(options: ConnectOptions<V> = {}): Promise<Client<V>> {
    const secret = this.#secret === null ? {} : { secret: this.#secret };
    const cluster = this.#node.settings.cluster;
    const settings = clientSettings<V>(
      [this.address],
      { cluster, ...secret, ...options },
      `${this.address} (in process)`,
    );
    const client = new Client<V>(settings, { ...systemPorts(), transport: this.#transport(), turn: this.#turn });
    await firstConnection(client, settings.connectTimeoutMs, options.signal);
    return client;
  }

  /** Memory for the own address, TCP for all others. */
  #transport(): Transport {
    const accept = (channel: Channel): ChannelHandler => this.#node.accept(channel);
    return {
      connect: (address: Address, handlerOf, timeoutMs) => {
        if (formatAddress(address) !== this.address) return tcpTransport.connect(address, handlerOf, timeoutMs);
        if (this.#closing !== null) return Promise.reject(new Error('the node was closed'));
        return Promise.resolve(connectInMemory(this.address, accept, handlerOf));
      },
    };
  }

  /** Accepts nothing new, finishes what is under way (at most 5 s), closes every connection. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#acceptor.close();
    await this.#node.stop(CLOSE_GRACE_MS);
    await this.#node.ports.workers.close();
    await this.#node.ports.liveness?.close();
    await this.#directory?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Starts a node. It serves a partition as soon as all replicas of it are there; `ready()` waits for that.
 * @throws KeyvalError KV_USAGE, KV_ADDRESS_IN_USE
 */
export async function startNode(options: NodeOptions = {}): Promise<RunningNode> {
  const checked = checkNodeOptions(options, version);
  const log = createLog(checked.logLevel);
  const early: { node: Node | null } = { node: null };
  const acceptor = await listen(
    checked.listen,
    (channel) => (early.node as Node).accept(channel),
    () => new HttpDoor(healthOf(early.node as Node)),
  );
  // Whoever connects from here on is accepted behind this turn: up to there nothing may wait.
  const opened: { directory: StateDirectory | null } = { directory: null };
  try {
    opened.directory = checked.data === null ? null : StateDirectory.open(resolve(checked.data));
    logBeginning(checked, opened.directory, log);
    const { node, running } = run(checked, acceptor, opened.directory, log);
    early.node = node;
    return running;
  } catch (error) {
    acceptor.close();
    await opened.directory?.close();
    throw error;
  }
}

function run(
  checked: CheckedNodeOptions,
  acceptor: Acceptor,
  directory: StateDirectory | null,
  log: Log,
): { readonly node: Node; readonly running: RunningNode } {
  const turn = new Turn(systemTimers.atTurnEnd, { soon: systemTimers.soon, busyAt: BUSY_TURN, lingers: 2 });
  const workers = new ThreadPool({
    threadsMax: checked.workerThreads,
    onFailure: (message) => log.write('error', 'worker thread failed', { message }),
  });
  // It starts when there is somebody to tell: not in a cluster of one.
  const liveness = new LivenessThread({
    host: checked.listen.host,
    secret: checked.settings.secret,
    onFailure: (message) =>
      log.write('error', 'liveness thread failed: stalls of this node look like its end', { message }),
  });
  const node = new Node(withRealPort(checked.settings, checked.listen, acceptor.address), {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    crypto: systemCrypto,
    transport: tcpTransportOf(checked.listen.host),
    log,
    turn,
    workers,
    liveness,
    disk: directory,
    openBulkWriter: () => bulkWriter(running),
    processFacts,
  });
  const running = new RunningNode(node, acceptor, turn, directory);
  node.start();
  return { node, running };
}

/**
 * For /livez and /readyz: who answers at all lives. Where there is a secret, those who do not know it learn no addresses
 * from the reasons.
 */
function healthOf(node: Node): HealthSource {
  const told = (reasons: readonly string[]): readonly string[] =>
    node.settings.secret === null || reasons.length === 0 ? reasons : ['not ready; `keyval status` says why'];
  return {
    live: () => [],
    ready: () => told(node.stopping ? ['the node is stopping'] : node.obstacles()),
  };
}

function logBeginning({ settings }: CheckedNodeOptions, directory: StateDirectory | null, log: Log): void {
  const { isNew, members, maxLeaseMs } = settings;
  if (directory !== null) log.write('info', 'state directory', { path: directory.path });
  if (isNew) return;
  if (directory === null) {
    const text = 'without a state directory this node joins a cluster, but neither founds one nor votes';
    log.write('warn', text, { members });
  } else if (directory.list().every((name) => name === 'lock')) {
    const text =
      'the directory is empty: a cluster founded now grants no lock at first, as holders of a former one may believe in theirs; --new says that there was none';
    log.write('info', text, { forMs: maxLeaseMs });
  }
}

/** Writes the rows of bulk loads: a client in this process. */
async function bulkWriter(node: RunningNode): Promise<BulkWriter> {
  const client = await node.client<Uint8Array>({ codec: 'buffer', name: `${node.address} (bulk loads)` });
  return {
    put: (key, value, ttlMs, timeoutMs) => client.put(key, value, ttlMs === 0 ? { timeoutMs } : { timeoutMs, ttlMs }),
    close: () => client.close(),
  };
}

/** Port 0 became a real one: a cluster of one is known by that. */
function withRealPort(settings: Node['settings'], asked: Address, bound: Address): Node['settings'] {
  if (asked.port !== 0 || settings.address !== formatAddress(asked)) return settings;
  const address = formatAddress(bound);
  return { ...settings, address, members: [address] };
}
