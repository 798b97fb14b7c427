/** The client: what a program calls. Requests go straight to the primary of their key. */
import { EventEmitter } from 'node:events';
import { type OptionTable, shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { ReadsFlag } from '../protocol/client-codec.ts';
import * as op from '../protocol/opcode.ts';
import { either, listen, mustNotHaveFired } from './aborts.ts';
import { type Content, type Entry, Shape, type SwapResult } from './answers.ts';
import { type BatchOperation, type BatchResult, runBatch } from './batch.ts';
import type { Bounds } from './body-request.ts';
import { BulkLoader, type LoadResult } from './bulk.ts';
import { checkReplicas, type PartitionCheck } from './check.ts';
import { ClusterAdmin } from './cluster-admin.ts';
import {
  type ClusterStatus,
  clusterStatus,
  type NodeConnections,
  nodeConnections,
  type PingResult,
  pingNodes,
} from './cluster-status.ts';
import type { Codec } from './codecs.ts';
import { requireRevision } from './conditions.ts';
import { digestOfValue, type ValueDigest } from './digest.ts';
import { Dispatcher } from './dispatcher.ts';
import { type ExportedPage, type ExportOptions, exportAll, exportPartition } from './export.ts';
import { type Fence, guard, heldUnder, mustStand } from './fence.ts';
import { type Flow, Flows } from './flows.ts';
import type { HeldLock } from './held-lock.ts';
import { KeepAlive } from './keep-alive.ts';
import type { Key } from './key-buffer.ts';
import { LeaseSessions } from './lease-sessions.ts';
import type { Lock } from './lock.ts';
import { type LockGroup, lockAll } from './lock-group.ts';
import { type LockOptions, lockSettings, lockTable, tryLockTable, withLockTable } from './lock-options.ts';
import { Locks } from './locks.ts';
import type { ClientPorts, NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';
import * as tables from './option-tables.ts';
import { type ClientSettings, readFlagsOf, withLease } from './options.ts';
import { Renewal } from './renewal/renewal.ts';
import {
  type DeleteOptions,
  mustFit,
  type PutOptions,
  type ReadOptions,
  type RequestOptions,
  type SwapOptions,
  type WriteOptions,
} from './request-options.ts';
import { type ScannedEntry, type ScanOptions, scan } from './scan.ts';
import { encodeSummand, encodeValue, spanOf } from './values.ts';

/** State of the connection to one node. */
export interface StatusEvent {
  readonly endpoint: string;
  readonly state: 'connected' | 'disconnected' | 'refused';
  readonly error?: KeyvalError;
}

export interface ClientEvents {
  status: [StatusEvent];
  /** Told once: the thread that renews locks has failed; the client goes on without it. */
  warning: [KeyvalError];
}

/** How long `close` waits for the nodes to hear that the session ends. */
const GOODBYE_MS = 1000;

export class Client<V = string> extends EventEmitter<ClientEvents> implements AsyncDisposable {
  readonly #settings: ClientSettings<V>;
  readonly #codec: Codec<V>;
  readonly #ports: ClientPorts;
  readonly #dispatcher: Dispatcher;
  readonly #bulk: BulkLoader;
  readonly #locks: Locks<V>;
  readonly #keepAlive: KeepAlive;
  readonly #flows: Flows;
  /** For locks with other leases. */
  readonly #sessions: LeaseSessions<Client<V>>;
  readonly #renewal: Renewal | null;
  #closing: Promise<void> | null = null;

  /** @internal `connect` makes clients. */
  constructor(settings: ClientSettings<V>, ports: ClientPorts, flows: Flows = new Flows(ports.random)) {
    super();
    this.#settings = settings;
    this.#codec = settings.codec;
    this.#ports = ports;
    this.#dispatcher = new Dispatcher(
      settings.endpoints,
      ports,
      { ...settings, owner: flows.owner },
      settings.leaseMs,
      settings.codec as Codec<unknown>,
      {
        linkChanged: (link, state, error) => this.#linkChanged(link, state, error),
        attached: (partition) => this.#keepAlive.attached(partition),
        attachmentLost: (partition, reason) => this.#locks.lost(partition, 'session', reason),
        primariesFound: (partitions) => {
          this.#keepAlive.renewSoon(partitions);
          this.#locks.found(partitions);
        },
        lockWanted: (...wanted) => this.#locks.wanted(...wanted),
        lockBroken: (partition) => this.#locks.doubt([partition]),
      },
    );
    this.#bulk = new BulkLoader(this.#dispatcher);
    this.#flows = flows;
    this.#renewal = this.#renewalBy(ports.renewal);
    this.#locks = new Locks<V>(this.#dispatcher, this, settings.codec, flows, this.#renewal);
    this.#sessions = new LeaseSessions((leaseMs) =>
      new Client(withLease(settings, leaseMs), ports, flows).on('warning', (error) => this.#warn(error)),
    );
    this.#keepAlive = new KeepAlive(this.#dispatcher);
  }

  #renewalBy(host: ClientPorts['renewal']): Renewal | null {
    const { renewal, endpoints, hangBudgetMs } = this.#settings;
    if (renewal === 'main' || host === undefined) return null;
    return new Renewal({
      host,
      dispatcher: this.#dispatcher,
      login: { ...this.#settings, owner: this.#flows.owner },
      endpoints,
      hangBudgetMs,
      onHang: () => this.#locks.endHung(),
      onFailure: (error) => this.#warn(error),
      onDoubt: () => this.#locks.doubtAll(),
    });
  }

  #warn(error: KeyvalError): void {
    if (!this.emit('warning', error)) process.emitWarning(error.message, { type: 'KeyvalWarning', code: error.code });
  }

  #linkChanged(link: NodeLink, state: StatusEvent['state'], error: KeyvalError | null): void {
    this.emit('status', { endpoint: link.endpoint, state, ...(error === null ? {} : { error }) });
  }

  /** @internal What `connect` waits on, and what tests look at. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher;
  }

  /** @internal By address: the incarnation of each member when it let this client in last. A restarted node has another. */
  get incarnations(): ReadonlyMap<string, string> {
    const known = this.#dispatcher.router.links.filter(({ incarnation }) => incarnation !== null);
    return new Map(known.map(({ endpoint, incarnation }) => [endpoint, incarnation as string]));
  }

  #deadline(options: RequestOptions | undefined): number {
    const timeoutMs = options?.timeoutMs ?? this.#settings.timeoutMs;
    if (!(timeoutMs > 0)) throw new KeyvalError('KV_USAGE', `timeoutMs must be above 0, not ${timeoutMs}`);
    return this.#ports.clock.monotonicMs() + timeoutMs;
  }

  /** @throws KeyvalError KV_USAGE, KV_ABORTED */
  #bounds(options: RequestOptions | undefined, table: OptionTable<RequestOptions>): Bounds {
    mustFit(table, options);
    const deadlineMs = this.#deadline(options);
    mustNotHaveFired(options?.signal);
    return { deadlineMs, signal: options?.signal };
  }

  #request<T>(
    opcode: number,
    key: Key,
    payload: Uint8Array | null,
    shape: number,
    options: RequestOptions | undefined,
    fill?: (operation: Operation) => void,
  ): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      const operation = new Operation(opcode, key, payload, this.#deadline(options), resolve, reject);
      operation.shape = shape;
      fill?.(operation);
      if (operation.fence !== null) this.#mustStand(operation.fence);
      if (options?.signal !== undefined && !listen(this.#dispatcher, operation, options.signal)) return;
      this.#dispatcher.submit(operation);
    }) as Promise<T>;
  }

  /** @throws KeyvalError KV_FENCED */
  #mustStand(fence: Fence): void {
    const held = heldUnder(fence, this.#sessions);
    this.#locks.endHung(); // what was given up goes back ahead of it
    if (held !== null) mustStand(held, this.#locks);
  }

  /** @internal */
  heldUnder(fence: Fence): HeldLock | null {
    return this.#locks.heldUnder(fence);
  }

  /** The value of a key, or null. */
  get(key: Key, options?: ReadOptions): Promise<V | null> {
    return this.#read(key, Shape.value, options, tables.get);
  }

  /** The value with its revision and time to live, or null. */
  getEntry(key: Key, options?: ReadOptions): Promise<Entry<V> | null> {
    return this.#read(key, Shape.entry, options, tables.getEntry);
  }

  #read<T>(key: Key, shape: number, options: ReadOptions | undefined, table: OptionTable<ReadOptions>): Promise<T> {
    return this.#request(op.GETK, key, null, shape, options, (operation) => {
      mustFit(table, options);
      operation.flags = this.#readFlags(options);
    });
  }

  /** @internal As the holder of a lock reads: where the client is content with old values, it is not. */
  getFresh(key: Key, options: ReadOptions = {}): Promise<V | null> {
    return this.get(key, { ...this.#fresh, ...options });
  }

  /** @internal The same, not decoded. */
  contentOf(key: Key, options: ReadOptions): Promise<Content> {
    return this.#read(key, Shape.content, { ...this.#fresh, ...options }, tables.get);
  }

  get #fresh(): ReadOptions {
    return this.#settings.readFlags === ReadsFlag.stale ? { reads: 'strict' } : {};
  }

  /** @internal */
  get timeoutMs(): number {
    return this.#settings.timeoutMs;
  }

  #readFlags(options: ReadOptions | undefined): number {
    return readFlagsOf(options?.reads, this.#settings.readFlags);
  }

  /** Stores a value; gives its revision. @throws KeyvalError KV_CONFLICT when a condition refuses, KV_FENCED, KV_OUT_OF_MEMORY, … */
  async put(key: Key, value: V, options?: PutOptions): Promise<bigint> {
    return this.#request<bigint>(
      op.PUTK,
      key,
      encodeValue(this.#codec, value),
      Shape.revision,
      options,
      (operation) => {
        mustFit(tables.put, options);
        operation.span = spanOf(options?.ttlMs);
        guard(operation, options?.fence);
        if (options?.ifAbsent === true && options.ifRevision !== undefined && options.ifRevision !== 0n) {
          throw new KeyvalError('KV_USAGE', 'ifAbsent and ifRevision contradict each other');
        }
        if (options?.ifAbsent === true) requireRevision(operation, 0n);
        else if (options?.ifRevision !== undefined) requireRevision(operation, options.ifRevision);
      },
    );
  }

  /** Deletes a key; true when it was there. @throws KeyvalError KV_CONFLICT when it does not have `ifRevision`, KV_FENCED */
  delete(key: Key, options?: DeleteOptions): Promise<boolean> {
    return this.#request(op.DELK, key, null, Shape.found, options, (operation) => {
      mustFit(tables.remove, options);
      guard(operation, options?.fence);
      if (options?.ifRevision !== undefined) requireRevision(operation, options.ifRevision);
    });
  }

  /** Compare and set: stores `value` only if the key has `revision` (0n: is absent). A refusal is a result, not an error. */
  async cas(key: Key, revision: bigint, value: V, options?: SwapOptions): Promise<SwapResult> {
    return this.#request<SwapResult>(
      op.CASK,
      key,
      encodeValue(this.#codec, value),
      Shape.swap,
      options,
      (operation) => {
        mustFit(tables.cas, options);
        operation.span = spanOf(options?.ttlMs);
        guard(operation, options?.fence);
        requireRevision(operation, revision);
      },
    );
  }

  /** Adds to a 64-bit decimal integer (an absent key counts as 0); gives the sum. @throws KeyvalError KV_NOT_INTEGER */
  async incr(key: Key, by: bigint | number = 1, options?: WriteOptions): Promise<bigint> {
    return this.#request<bigint>(op.INCR, key, encodeSummand(by), Shape.sum, options, (operation) => {
      mustFit(tables.incr, options);
      guard(operation, options?.fence);
    });
  }

  /** Several requests at once, not atomic; results in the same order. Never rejects for a single request. */
  async batch(operations: readonly BatchOperation<V>[], options?: RequestOptions): Promise<BatchResult<V>[]> {
    mustFit(tables.batch, options);
    return runBatch(this, operations, options);
  }

  /**
   * Stores the rows of a chunk of NDJSON, whole lines of at most 1 MiB in all: `{"key":"k","value":"v","ttlMs":1000}`, `key64`
   * and `value64` in base64 for bytes that are no text. Rows are stored whatever the keys held, each by itself; a line
   * that cannot be is a failure of that line. Loading a chunk again stores the same once more.
   * @throws KeyvalError KV_TOO_LARGE; KV_AMBIGUOUS when no answer came: any of the rows may be stored
   */
  async load(chunk: Uint8Array | string, options?: RequestOptions): Promise<LoadResult> {
    mustFit(tables.load, options);
    const { signal } = options ?? {};
    return this.#bulk.load(
      chunk,
      this.#deadline(options),
      (operation) => signal === undefined || listen(this.#dispatcher, operation, signal),
    );
  }

  /** All keys with a prefix, in no order, page by page; a page is one partition's committed state. */
  scan(options: ScanOptions = {}): AsyncIterable<ScannedEntry<V>> {
    return scan(this, this.#dispatcher, this.#codec, options, this.#readFlags(options), (o) => this.#deadline(o));
  }

  /** Number of partitions of the cluster. */
  get partitions(): number {
    return this.#dispatcher.router.partitions;
  }

  /**
   * One committed state of a partition as pages of NDJSON, while writes go on.
   * @throws KeyvalError KV_NOT_FOUND when the node forgot the export, KV_OUT_OF_MEMORY when it could not keep the state
   */
  exportPartition(partition: number, options: ExportOptions = {}): AsyncIterable<ExportedPage> {
    return exportPartition(this.#dispatcher, partition, options, (o) => this.#deadline(o));
  }

  /** The same of every partition, one after the other, each at a state of its own. */
  export(options: ExportOptions = {}): AsyncIterable<ExportedPage> {
    return exportAll(this.#dispatcher, options, (o) => this.#deadline(o));
  }

  /** SHA-256 of a value, made by its node; null when the key is absent. */
  async digest(key: Key, options?: RequestOptions): Promise<ValueDigest | null> {
    return digestOfValue(this.#dispatcher, key, this.#bounds(options, tables.digest));
  }

  /** Compares the replicas of every partition, each at one operation, while writes go on. */
  check(options?: RequestOptions): AsyncIterable<PartitionCheck> {
    return checkReplicas(this.#dispatcher, () => this.#bounds(options, tables.check));
  }

  /**
   * Takes the lock of a key, waiting in line; of several keys one by one, in an order that is the same for everybody, all or
   * none (L11): then `waitMs` is for all of them together.
   * @throws KeyvalError KV_LOCK_BUSY after `waitMs`, KV_ABORTED, …
   */
  async lock(key: Key, options?: LockOptions): Promise<Lock<V>>;
  async lock(keys: readonly Key[], options?: LockOptions): Promise<LockGroup<V>>;
  async lock(wanted: Key | readonly Key[], options?: LockOptions): Promise<Lock<V> | LockGroup<V>>;
  async lock(wanted: Key | readonly Key[], options: LockOptions = {}): Promise<Lock<V> | LockGroup<V>> {
    mustFit(lockTable, options);
    const turn = this.#flows.ask();
    try {
      return await this.#take(wanted, options, turn?.flow ?? null);
    } finally {
      turn?.end();
    }
  }

  async #take(wanted: Key | readonly Key[], options: LockOptions, flow: Flow | null): Promise<Lock<V> | LockGroup<V>> {
    const settings = lockSettings(options, this.#settings);
    const { leaseMs } = settings;
    if (leaseMs !== this.#settings.leaseMs) return this.#sessions.of(leaseMs).#take(wanted, options, flow);
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + settings.waitMs;
    const take = (key: Key, lost?: AbortSignal): Promise<Lock<V>> => {
      const signal = either(settings.signal, lost);
      mustNotHaveFired(signal);
      return this.#locks.acquire(
        key,
        { ...settings, waitMs: Math.max(0, untilMs - clock.monotonicMs()), signal },
        flow,
      );
    };
    return isKey(wanted) ? take(wanted) : lockAll(wanted, take);
  }

  /** Takes the lock, or all of them, if free; null when somebody else holds it, or one of them. */
  async tryLock(key: Key, options?: Omit<LockOptions, 'waitMs'>): Promise<Lock<V> | null>;
  async tryLock(keys: readonly Key[], options?: Omit<LockOptions, 'waitMs'>): Promise<LockGroup<V> | null>;
  async tryLock(
    wanted: Key | readonly Key[],
    options: Omit<LockOptions, 'waitMs'> = {},
  ): Promise<Lock<V> | LockGroup<V> | null> {
    mustFit(tryLockTable, options);
    try {
      return await this.lock(wanted, { ...options, waitMs: 0 });
    } catch (error) {
      if (error instanceof KeyvalError && error.code === 'KV_LOCK_BUSY') return null;
      throw error;
    }
  }

  /**
   * Runs `body` while holding the lock of a key, or of several, and releases it afterwards. Hand `lock.signal` on to what the
   * body does.
   * @throws KeyvalError KV_LOCK_LOST when the lock was lost before the body ended; whatever the body throws
   */
  async withLock<T>(key: Key, body: Body<Lock<V>, T>): Promise<T>;
  async withLock<T>(key: Key, options: LockOptions, body: Body<Lock<V>, T>): Promise<T>;
  async withLock<T>(keys: readonly Key[], body: Body<LockGroup<V>, T>): Promise<T>;
  async withLock<T>(keys: readonly Key[], options: LockOptions, body: Body<LockGroup<V>, T>): Promise<T>;
  async withLock<T>(
    wanted: Key | readonly Key[],
    second: LockOptions | Body<never, T> | undefined,
    third?: Body<never, T>,
  ): Promise<T> {
    const [options = {}, body] = typeof second === 'function' && third === undefined ? [{}, second] : [second, third];
    if (typeof body !== 'function')
      throw new KeyvalError('KV_USAGE', 'withLock needs a function to run, behind the options');
    mustFit(withLockTable, options as LockOptions);
    const turn = this.#flows.ask() ?? this.#flows.begin();
    try {
      await using lock = await this.#take(wanted, options as LockOptions, turn.flow);
      const result = await this.#flows.under(lock.grants, turn.flow, () => body(lock as never));
      lock.throwIfLost(); // that the body has released it is its own affair
      return result;
    } finally {
      turn.end();
    }
  }

  /**
   * Runs `body` as a flow of its own: what it does, one step after the other, owns the locks it takes, and none of those around
   * it. Where flows wait for each other in a circle, one of them gets KV_DEADLOCK. `withLock` begins a flow unless it is called
   * in one.
   */
  flow<T>(body: () => T): T {
    if (typeof body !== 'function')
      throw new KeyvalError('KV_USAGE', `flow needs a function to run, not ${shown(body)}`);
    return this.#flows.run(body);
  }

  /** Round trips to every node that the client knows. */
  async ping(endpoint?: string, options?: RequestOptions): Promise<PingResult[]> {
    return pingNodes(this.#dispatcher, this.#bounds(options, tables.ping), endpoint);
  }

  /** Asks every node how it is. A node that does not answer is reported as down, not as an error. */
  async status(options?: RequestOptions): Promise<ClusterStatus> {
    return clusterStatus(this.#dispatcher, this.#settings.cluster, this.#bounds(options, tables.status));
  }

  /** What operators ask about the cluster, and of it. */
  admin(options?: RequestOptions): ClusterAdmin {
    mustFit(tables.admin, options);
    return new ClusterAdmin(this.#dispatcher, () => this.#bounds(options, tables.admin));
  }

  /** Of every node the connections that hold most of its memory, at most 100. */
  async connections(options?: RequestOptions): Promise<NodeConnections[]> {
    return nodeConnections(this.#dispatcher, this.#bounds(options, tables.connections));
  }

  /** Ends the session, which releases its locks, sends what is queued, and closes the connections. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#locks.endWaits();
    await this.#sessions.close();
    this.#locks.close(); // others have them as soon as the good-bye arrives
    const leaving = this.#keepAlive.leave(GOODBYE_MS, (partitions) => this.#locks.hasLeft(partitions));
    await Promise.all([leaving, this.#renewal?.close()]);
    await this.#dispatcher.close(GOODBYE_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

type Body<L, T> = (lock: L) => Promise<T> | T;

function isKey(wanted: Key | readonly Key[]): wanted is Key {
  return !Array.isArray(wanted);
}
