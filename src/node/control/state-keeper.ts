/**
 * What this node is, and remembers: its id, its cluster, what it has promised before there was one, and its Raft state.
 * In a directory, or in memory for a node without one. One write at a time.
 */
import { assert } from '../../base/assert.ts';
import type { Disk, Random } from '../../base/ports.ts';
import { KeyvalError } from '../../errors.ts';
import { DurableLog } from '../../raft/durable-log.ts';
import { type Identity, identityStep, readIdentity } from '../../raft/identity.ts';
import { type DurableState, NOBODY, type RaftStorage, type Snapshot } from '../../raft/messages.ts';
import { MemoryStorage } from './memory-storage.ts';
import { areOfOneCluster } from './reform.ts';
import { WatchedDisk } from './watched-disk.ts';

const NOTHING: Uint8Array = new Uint8Array(0);

export interface Opened {
  readonly storage: RaftStorage;
  readonly state: DurableState;
  /** Bytes of a last record that a crash has cut; they were never answered for. */
  readonly tornBytes: number;
}

export class StateKeeper {
  readonly #disk: WatchedDisk | null;
  readonly #failed: (error: KeyvalError) => void;
  #identity: Identity;
  /** '' the one of the directory; else the one that the book names since a reform: the directory keeps the former. */
  #reformed = '';
  /** The directory does not know the node id yet. */
  #isFresh = false;

  /** @throws KeyvalError when the directory is damaged, newer, or no directory of keyval */
  constructor(disk: Disk | null, random: Random, failed: (error: KeyvalError) => void) {
    this.#disk = disk === null ? null : new WatchedDisk(disk);
    this.#failed = failed;
    const known = this.#disk === null ? null : readIdentity(this.#disk);
    this.#isFresh = known === null;
    this.#identity = known ?? { node: drawNodeId(random), cluster: '', promise: NOTHING };
  }

  get nodeId(): number {
    return this.#identity.node;
  }

  /** '' none yet. */
  get clusterId(): string {
    return this.#reformed === '' ? this.#identity.cluster : this.#reformed;
  }

  /** The book says which history of the cluster it is (reform.ts). */
  belongsTo(clusterId: string): void {
    assert(areOfOneCluster(clusterId, this.#identity.cluster), 'control: a directory keeps one cluster');
    this.#reformed = clusterId;
  }

  /** Empty: nothing is promised. */
  get promise(): Uint8Array {
    return this.#identity.promise;
  }

  get isVolatile(): boolean {
    return this.#disk === null;
  }

  get path(): string {
    return this.#disk?.path ?? '';
  }

  get isBusy(): boolean {
    return this.#disk?.isWriting ?? false;
  }

  /** Writes the node id into a new directory; `done` at once where it stands there already. */
  start(done: () => void): void {
    if (!this.#isFresh) return done();
    this.#isFresh = false;
    this.#keep(this.#identity, done);
  }

  keepPromise(promise: Uint8Array, done: () => void): void {
    assert(this.clusterId === '', 'control: who has a cluster promises nothing any more');
    this.#keep({ ...this.#identity, promise }, done);
  }

  #keep(identity: Identity, done: () => void): void {
    this.#isFresh = false;
    const kept = (): void => {
      this.#identity = identity;
      done();
    };
    if (this.#disk === null) return kept();
    this.#disk.write([identityStep(identity)], (error) => (error === null ? kept() : this.#fail(error)));
  }

  /** From now on, and for good, this node belongs to the cluster; `snapshot` is where its log begins. */
  found(clusterId: string, snapshot: Snapshot, done: (opened: Opened) => void): void {
    assert(this.clusterId === '', 'control: a directory names one cluster, once');
    const identity = { node: this.nodeId, cluster: clusterId, promise: NOTHING };
    const disk = this.#disk;
    if (disk === null) {
      this.#identity = identity;
      const hardState = { term: snapshot.term, vote: NOBODY, commit: snapshot.index };
      return done({ storage: new MemoryStorage(), state: { hardState, snapshot, entries: [] }, tornBytes: 0 });
    }
    this.#isFresh = false;
    DurableLog.found(disk, identity, snapshot, (error) => {
      if (error !== null) return this.#fail(error);
      this.#identity = identity;
      done(this.open());
    });
  }

  /** @throws KeyvalError when the log is damaged or newer */
  open(): Opened {
    assert(this.#disk !== null && this.clusterId !== '', 'control: there is a log to open');
    const { log, state, tornBytes } = DurableLog.open(this.#disk, this.#identity);
    return { storage: log, state, tornBytes };
  }

  #fail(error: Error): void {
    this.#failed(stateError(error, this.path));
  }

  stop(): Promise<void> {
    return this.#disk?.stop() ?? Promise.resolve();
  }
}

/** What a disk reports, in words for people. */
export function stateError(error: Error, path: string): KeyvalError {
  if (error instanceof KeyvalError) return error;
  const text = `the state directory ${path} could not be written: ${error.message}`;
  return new KeyvalError('KV_STATE', `${text}; see that the disk has room and works, then start the node again`, {
    cause: error,
  });
}

/** 48 random bits, never 0. */
function drawNodeId(random: Random): number {
  const bytes = new Uint8Array(6);
  do random.fill(bytes);
  while (bytes.every((byte) => byte === 0));
  return bytes.reduce((id, byte) => id * 256 + byte, 0);
}
