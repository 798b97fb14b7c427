/**
 * A session at a partition, as a client has it: its requests count their message ids and sequences themselves. Each
 * gives the replies that came at once, as lines; what comes later is read with `read`.
 */

import type { PartitionPrimary } from '../../../src/node/partition-primary.ts';
import { READ_FLAGS } from '../../../src/protocol/client-codec.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { EntryKind } from '../../../src/replication/entry-kind.ts';
import * as bodies from '../../helpers/bodies.ts';
import { Caller, revisionOf } from './caller.ts';
import { PARTITION } from './partition.ts';

/** Bytes before and behind every body: it lies in a larger buffer. */
const MARGIN = 5;

export interface WriteOptions {
  /** A retry names the sequence of the first attempt. */
  readonly sequence?: number;
  readonly mark?: number;
  readonly flags?: number;
  readonly span?: number;
  /** Condition or token, as epoch.operation; a condition only with the flag. */
  readonly revision?: string;
  readonly payload?: Uint8Array;
}

export interface ShareOptions extends WriteOptions {
  readonly lock?: bodies.LockParts;
}

/** Token as epoch.operation, and the sequence of the request that was granted. */
export interface GrantName {
  readonly token: string;
  readonly sequence: number;
}

/** Where a session may be. */
export interface SessionWorld {
  readonly primary: PartitionPrimary;
  settle(): void;
}

export class TestSession {
  /** The connection it uses now. */
  caller: Caller = new Caller();
  readonly id: Uint8Array;
  /** Revision of the attachment, once it is known. */
  attachment = 0n;
  messageId = 0;
  sequence = 0;
  /** Lowest sequence without an answer, as told with every write. */
  mark = 1;
  readonly #world: SessionWorld;
  readonly #leaseMs: number;

  /** `name` is one letter; the session is attached once the world has settled. */
  constructor(world: SessionWorld, name = 'a', leaseMs = 10_000) {
    this.#world = world;
    this.id = new Uint8Array(16).fill(name.charCodeAt(0));
    this.#leaseMs = leaseMs;
    this.attach();
  }

  /** Session id as the node writes it. */
  get hex(): string {
    return Buffer.from(this.id).toString('hex');
  }

  attach(): string[] {
    const { id: session } = this;
    const body = framed(
      bodies.attach({ partition: PARTITION, session, leaseMs: this.#leaseMs, name: `host:${this.hex}` }),
    );
    this.#world.primary.attach(this.caller, this.#nextId(), body, MARGIN, body.length - MARGIN);
    this.#world.settle();
    const lines = this.caller.read();
    const [, revision = ''] = /applied (\S+)/.exec(lines[0] ?? '') ?? [];
    if (revision !== '') this.attachment = revisionOf(revision);
    return lines;
  }

  #nextId(): number {
    this.messageId += 1;
    return this.messageId;
  }

  read(): string[] {
    return this.caller.read();
  }

  /** Goes on over another connection; gives the one that broke. */
  reconnect(): Caller {
    const broken = this.caller;
    broken.closed = true;
    this.caller = new Caller();
    return broken;
  }

  #write(kind: number, key: string, options: WriteOptions): string[] {
    const { sequence = this.#nextSequence(), mark = this.mark, revision = '0.0', ...rest } = options;
    const written = { ...rest, attachment: this.attachment, sequence: sequence >>> 0, mark: mark >>> 0, key };
    const body = framed(bodies.write({ ...written, revision: revisionOf(revision) }));
    const { primary } = this.#world;
    if (kind === EntryKind.cancel)
      primary.locks.cancel(this.caller, this.#nextId(), body, MARGIN, body.length - MARGIN);
    else primary.write(kind, this.caller, this.#nextId(), body, MARGIN, body.length - MARGIN);
    return this.read();
  }

  #nextSequence(): number {
    this.sequence += 1;
    return this.sequence;
  }

  put(key: string, value: string, options: WriteOptions = {}): string[] {
    return this.#write(EntryKind.put, key, { payload: Buffer.from(value), ...options });
  }

  /** Put only if the key has the revision; 0.0: if it is absent. */
  cas(key: string, revision: string, value: string, options: WriteOptions = {}): string[] {
    return this.put(key, value, { flags: bodies.IF_REVISION, revision, ...options });
  }

  /** A value that was staged before under `stage`. */
  putStaged(key: string, stage: number, options: WriteOptions = {}): string[] {
    return this.put(key, '', { flags: bodies.STAGED, payload: bodies.stageReference(stage, 0), ...options });
  }

  del(key: string, options: WriteOptions = {}): string[] {
    return this.#write(EntryKind.remove, key, options);
  }

  incr(key: string, by: bigint = 1n, options: WriteOptions = {}): string[] {
    return this.#write(EntryKind.increment, key, { payload: bodies.i64(by), ...options });
  }

  /** Waits at most `waitMs`; 0: not at all. */
  lock(key: string, waitMs: number, options: WriteOptions = {}): string[] {
    return this.#write(EntryKind.acquire, key, { span: waitMs, ...options });
  }

  /** In a mode of `LockMode`. */
  share(key: string, mode: number, waitMs: number, { lock, ...options }: ShareOptions = {}): string[] {
    return this.lock(key, waitMs, { payload: bodies.lockOf(mode, lock), ...options });
  }

  /** Another mode for what was granted under `token` to the request `granted`; 0: the exclusive grant. */
  convert(key: string, grant: GrantName, mode: number, waitMs: number, options: WriteOptions = {}): string[] {
    const payload = bodies.conversionOf(mode, grant.sequence);
    return this.lock(key, waitMs, { revision: grant.token, payload, ...options });
  }

  unlock(key: string, token: string, options: WriteOptions = {}): string[] {
    return this.#write(EntryKind.release, key, { revision: token, ...options });
  }

  /** One of several grants under one token, or what is not exclusive. */
  unlockGrant(key: string, { token, sequence }: GrantName, options: WriteOptions = {}): string[] {
    return this.unlock(key, token, { flags: bodies.NAMES_GRANT, payload: bodies.u32(sequence >>> 0), ...options });
  }

  /** Ends the wait that `sequence` began, or lets go of what it was granted. */
  cancel(key: string, sequence: number): string[] {
    return this.#write(EntryKind.cancel, key, { sequence, payload: bodies.u32(sequence >>> 0) });
  }

  /** `flags`: how fresh, `ReadsFlag`. */
  get(key: string, flags = 0): string[] {
    const body = framed(bodies.getk(key));
    body[MARGIN + READ_FLAGS] = flags;
    this.#world.primary.reads.get(this.caller, this.#nextId(), body, MARGIN, op.GETK);
    return this.read();
  }

  scan(parts: Partial<bodies.ScanParts> = {}): string[] {
    const body = framed(bodies.scan({ partition: PARTITION, ...parts }));
    this.#world.primary.reads.scan(this.caller, this.#nextId(), body, MARGIN, body.length - MARGIN, op.SCAN);
    return this.read();
  }
}

/** Sessions attached one after the other; each has its own caller. */
export function sessions(world: SessionWorld, ...names: string[]): TestSession[] {
  return names.map((name) => new TestSession(world, name));
}

function framed(body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(body.length + 2 * MARGIN).fill(0xee);
  whole.set(body, MARGIN);
  return whole;
}
