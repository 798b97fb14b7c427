/** What operators ask about locks (L14): who holds which, who waits, why one was lost; and taking one away. */
import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import { bigint, bytes, number, OptionTable } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import {
  BROKEN_TOKENS_MAX,
  type BrokenAnswer,
  type HolderFacts,
  type KeyName,
  LOCKS_LISTED_MAX,
  type LockAnswer,
  type LockFacts,
  type LockRequest,
  type LocksAnswer,
  type LocksCursor,
  type LossFacts,
  type OwnerFacts,
  type WaiterFacts,
} from '../protocol/lock-facts.ts';
import { CLUS } from '../protocol/opcode.ts';
import { type Bounds, NO_PARTITION, requestBody } from './body-request.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type Key, noKey } from './key-buffer.ts';
import { type FullLockModeName, modeName } from './lock-options.ts';
import type { NodeLink } from './node-link.ts';
import { mustFit } from './request-options.ts';

/** Mode by name. */
type Named<T extends OwnerFacts | LossFacts> = Omit<T, 'mode' | 'token' | 'holds'> & {
  readonly mode: FullLockModeName;
};

export type LockHolder = Named<HolderFacts> & { readonly token: bigint };
/** `holds`: the token under which it holds the lock already, and waits for another mode. */
export type LockWaiter = Named<WaiterFacts> & { readonly holds: bigint | null };
export type PastLoss = Named<LossFacts> & { readonly token: bigint };

/** A lock that somebody holds, or whose lock-delay is not over. Of many holders and waiters the first ones are named. */
export interface LockInfo {
  readonly key: Key;
  readonly partition: number;
  /** Bytes of the key; a listing has only the first 1024 of a longer one. */
  readonly keyBytes: number;
  readonly holders: readonly LockHolder[];
  readonly holderCount: number;
  readonly waiters: readonly LockWaiter[];
  readonly waiterCount: number;
}

export interface LocksOptions {
  /** Only keys that begin with it. */
  readonly prefix?: Key;
  /** At most so many, 1 to 1000: those that most wait for, then those held longest. Default 100. */
  readonly limit?: number;
}

export interface BreakOptions {
  /** Only if it is held under this token; default: whoever holds it. */
  readonly token?: bigint;
}

const locksTable: OptionTable<LocksOptions> = new OptionTable('locks', { prefix: bytes, limit: number });
const breakTable: OptionTable<BreakOptions> = new OptionTable('breakLock', { token: bigint });

export interface LockList {
  readonly locks: readonly LockInfo[];
  /** So many locks are as was asked; more than `locks.length` when `limit` cut them off. */
  readonly matching: number;
  /** Not all are shown: `limit` has cut some off, or some partition has no primary that answers. */
  readonly truncated: boolean;
  /** Partitions whose locks nobody told of. */
  readonly silentPartitions: number;
  /** Nodes that did not answer, and why. */
  readonly errors: readonly { readonly endpoint: string; readonly error: KeyvalError }[];
}

export interface LockState {
  readonly key: Key;
  readonly partition: number;
  /** Null: nobody holds it. */
  readonly lock: LockInfo | null;
  /** The last ones, newest first. */
  readonly losses: readonly PastLoss[];
  /** For so many milliseconds every loss in the partition is known; of what was before, some may be forgotten. */
  readonly lossesKnownMs: number;
}

export interface BrokenLock {
  readonly key: Key;
  /** What was taken away. Empty: it was let go of before. */
  readonly broken: readonly PastLoss[];
  /** Who has it now; null: nobody. */
  readonly lock: LockInfo | null;
}

/** How to reach the nodes. */
export interface LockAdminHost {
  readonly dispatcher: Dispatcher;
  readonly links: readonly NodeLink[];
  bounds(): Bounds;
}

const LIMIT_USUAL = 100;
const START: LocksCursor = { partition: 0, slot: 0 };
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Surveyed {
  readonly locks: LockFacts[];
  matching: number;
  partitions: number;
}

export class LockAdmin {
  readonly #host: LockAdminHost;

  constructor(host: LockAdminHost) {
    this.#host = host;
  }

  /** @throws KeyvalError KV_USAGE */
  async list(options: LocksOptions): Promise<LockList> {
    mustFit(locksTable, options);
    const { prefix, limit = LIMIT_USUAL } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > LOCKS_LISTED_MAX)
      throw new KeyvalError('KV_USAGE', `limit is a whole number from 1 to ${LOCKS_LISTED_MAX}, not ${limit}`);
    const all = await this.#survey(limit, prefix === undefined ? {} : { prefix: nameOf(prefix) });
    const locks = [...all.locks].sort(inOrder).slice(0, limit);
    return { ...all, locks, truncated: all.truncated || all.matching > locks.length };
  }

  /** Those that somebody waits for. */
  waited(): Promise<LockList> {
    return this.#survey(LOCKS_LISTED_MAX, { waited: true });
  }

  async #survey(limit: number, what: { prefix?: KeyName; waited?: boolean }): Promise<LockList> {
    const errors: { endpoint: string; error: KeyvalError }[] = [];
    const answers = await Promise.all(
      this.#host.links.map(async (link) => {
        try {
          if (!link.up && link.lastError !== null) throw link.lastError;
          return await this.#surveyOf(link, limit, what);
        } catch (error) {
          if (!(error instanceof KeyvalError) || error.code === 'KV_ABORTED') throw error;
          errors.push({ endpoint: link.endpoint, error });
          return { locks: [], matching: 0, partitions: 0 };
        }
      }),
    );
    const answered = answers.reduce((sum, { partitions }) => sum + partitions, 0);
    const silentPartitions = Math.max(0, this.#host.dispatcher.router.partitions - answered);
    return {
      locks: understood(() => answers.flatMap(({ locks }) => locks.map(lockIn))),
      matching: answers.reduce((sum, { matching }) => sum + matching, 0),
      truncated: silentPartitions > 0,
      silentPartitions,
      errors,
    };
  }

  async #surveyOf(link: NodeLink, limit: number, what: { prefix?: KeyName; waited?: boolean }): Promise<Surveyed> {
    const found: Surveyed = { locks: [], matching: 0, partitions: 0 };
    for (let from: LocksCursor | null = START; from !== null; ) {
      const answer: LocksAnswer = await this.#ask({ command: 'locks', from, limit, ...what }, NO_PARTITION, link);
      understood(() => found.locks.push(...answer.locks));
      found.matching += answer.matching;
      found.partitions += answer.partitions;
      if (answer.next !== null && !isBehind(answer.next, from)) throw nonsense();
      from = answer.next;
    }
    return found;
  }

  async state(key: Key): Promise<LockState> {
    const answer = await this.#askPrimary<LockAnswer>(key, { command: 'lock', name: nameOf(key) });
    return understood(() => ({
      key,
      partition: answer.partition,
      lock: answer.lock === null ? null : lockIn(answer.lock),
      losses: answer.losses.map(lossIn),
      lossesKnownMs: answer.lossesKnownMs,
    }));
  }

  /** @throws KeyvalError KV_NOT_FOUND when nobody holds it, KV_NOT_HELD when nobody holds it under `token` */
  async break(key: Key, options: BreakOptions): Promise<BrokenLock> {
    mustFit(breakTable, options);
    const { token } = options;
    const tokens = token === undefined ? await this.#tokensOf(key) : [`${token}`];
    const request: LockRequest = { command: 'break-lock', name: nameOf(key), tokens };
    const { broken, lock } = await this.#askPrimary<BrokenAnswer>(key, request);
    return understood(() => ({ key, broken: broken.map(lossIn), lock: lock === null ? null : lockIn(lock) }));
  }

  /** Asked for again after a lost answer, the request must not hit whoever has come next: so it names whom it means. */
  async #tokensOf(key: Key): Promise<string[]> {
    const { lock } = await this.state(key);
    if (lock === null) throw new KeyvalError('KV_NOT_FOUND', `nobody holds the lock of ${shown(key)}`);
    return [...new Set(lock.holders.map(({ token }) => `${token}`))].slice(0, BROKEN_TOKENS_MAX);
  }

  async #askPrimary<T>(key: Key, request: LockRequest): Promise<T> {
    const { router } = this.#host.dispatcher;
    const bytes = bytesOf(key);
    if (bytes.length === 0) throw new KeyvalError('KV_BAD_KEY', 'a key has at least one byte');
    const partition = router.known ? hashSlot(bytes, 0, bytes.length) >>> partitionShift(router.partitions) : 0;
    return this.#ask<T>(request, partition);
  }

  async #ask<T>(request: LockRequest, partition: number, link?: NodeLink): Promise<T> {
    const answer = await requestBody(this.#host.dispatcher, {
      opcode: CLUS,
      body: encoder.encode(JSON.stringify(request)),
      partition,
      ...(link === undefined ? {} : { link, once: true }),
      ...this.#host.bounds(),
      changes: request.command === 'break-lock',
    });
    try {
      return JSON.parse(decoder.decode(answer)) as T;
    } catch (cause) {
      throw new KeyvalError('KV_BAD_FRAME', 'a node answers CLUS with what is no JSON', { cause });
    }
  }
}

/** @throws KeyvalError KV_BAD_FRAME when the answer does not have its form */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw nonsense(cause);
  }
}

function nonsense(cause?: unknown): KeyvalError {
  return new KeyvalError('KV_BAD_FRAME', 'a node answers a question about locks with what is no answer', { cause });
}

/** A walk gets on, or it would never end. */
function isBehind(next: LocksCursor, from: LocksCursor): boolean {
  return next.partition > from.partition || (next.partition === from.partition && next.slot > from.slot);
}

function inOrder(one: LockInfo, other: LockInfo): number {
  return other.waiterCount - one.waiterCount || heldMs(other) - heldMs(one);
}

function heldMs({ holders: [first] }: LockInfo): number {
  return first?.heldMs ?? 0;
}

function bytesOf(key: Key): Uint8Array {
  return typeof key === 'string' ? encoder.encode(key) : key;
}

function nameOf(key: Key): KeyName {
  if (typeof key === 'string') return { key };
  if (!(key instanceof Uint8Array)) throw noKey(key);
  try {
    return { key: strict.decode(key) };
  } catch {
    return { key64: Buffer.from(key).toString('base64') };
  }
}

function shown(key: Key): string {
  return typeof key === 'string' ? `'${key}'` : 'the key';
}

function keyIn(name: KeyName): Key {
  return 'key' in name ? name.key : new Uint8Array(Buffer.from(name.key64, 'base64'));
}

function lockIn(facts: LockFacts): LockInfo {
  const { partition, keyBytes, holders, holderCount, waiters, waiterCount } = facts;
  return {
    key: keyIn(facts),
    partition,
    keyBytes,
    holders: holders.map((one) => ({ ...one, mode: modeName(one.mode), token: BigInt(one.token) })),
    holderCount,
    waiters: waiters.map((one) => ({
      ...one,
      mode: modeName(one.mode),
      holds: one.holds === null ? null : BigInt(one.holds),
    })),
    waiterCount,
  };
}

function lossIn(facts: LossFacts): PastLoss {
  return { ...facts, mode: modeName(facts.mode), token: BigInt(facts.token) };
}
