/** Requests of operators about locks (L14), by CLUS: who holds which, why one was lost, and taking one away. */
import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import type { Log } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { type Loss, LossCause } from '../lock/losses.ts';
import { KEY_BYTES_MAX } from '../protocol/limits.ts';
import {
  BROKEN_TOKENS_MAX,
  type BrokenAnswer,
  LOCKS_LISTED_MAX,
  type LockAnswer,
  type LockFacts,
  type LockRequest,
} from '../protocol/lock-facts.ts';
import { isBackedUp } from './admission.ts';
import { keyBytesOf, keyNameOf, lockFacts, lossFacts, tokenText, WHOLE } from './lock-facts.ts';
import { answersForLocks, surveyLocks } from './lock-survey.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { type ReplyTarget, replyFail, replyMoved } from './reply.ts';
import { replyDocument } from './reply-document.ts';
import { refusalText } from './texts.ts';

export interface LockDeskHost {
  readonly log: Log;
  readonly partitions: number;
  readonly primaries: readonly (PartitionPrimary | null)[];
  readonly dataPlane: { primaryOf(partition: number): number };
}

/** Whoever asks; `name`: of its connection. */
export interface Asker extends ReplyTarget {
  readonly name?: string;
}

/** What a walk over locks costs, in units of fair-share.ts. */
const SURVEY_UNITS = 512;
/** Of a key in a line of the log. */
const KEY_SHOWN_BYTES_MAX = 100;
const NOTHING: Uint8Array = new Uint8Array(0);

/** A document as a request, or null when it is none of these. */
export function lockRequestIn(document: Readonly<Record<string, unknown>>): LockRequest | null {
  switch (document.command) {
    case 'locks':
      return surveyIn(document);
    case 'lock':
    case 'break-lock': {
      const key = keyBytesOf(document.name);
      if (key === null || key.length === 0 || key.length > KEY_BYTES_MAX) return null;
      const name = keyNameOf(key);
      if (document.command === 'lock') return { command: 'lock', name };
      const { tokens } = document;
      return areTokens(tokens) ? { command: 'break-lock', name, tokens } : null;
    }
    default:
      return null;
  }
}

function surveyIn({ from, limit, prefix, waited }: Readonly<Record<string, unknown>>): LockRequest | null {
  const { partition, slot } = (from ?? {}) as Readonly<Record<string, unknown>>;
  if (!isIndex(partition) || !isIndex(slot) || !isIndex(limit) || limit > LOCKS_LISTED_MAX) return null;
  if (waited !== undefined && typeof waited !== 'boolean') return null;
  const start = prefix === undefined ? NOTHING : keyBytesOf(prefix);
  if (start === null || start.length > KEY_BYTES_MAX) return null;
  return {
    command: 'locks',
    from: { partition, slot },
    limit,
    ...(start.length === 0 ? {} : { prefix: keyNameOf(start) }),
    ...(waited === true ? { waited } : {}),
  };
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

function areTokens(value: unknown): value is string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > BROKEN_TOKENS_MAX) return false;
  return value.every((token) => typeof token === 'string' && /^\d{1,20}$/.test(token));
}

export class LockDesk {
  readonly #host: LockDeskHost;

  constructor(host: LockDeskHost) {
    this.#host = host;
  }

  /** @throws KeyvalError KV_NO_QUORUM, KV_OVERLOADED, KV_NOT_HELD */
  answer(request: LockRequest, to: Asker, messageId: number): void {
    if (request.command === 'locks') return this.#survey(request, to, messageId);
    const key = keyBytesOf(request.name) as Uint8Array;
    const index = hashSlot(key, 0, key.length) >>> partitionShift(this.#host.partitions);
    const partition = this.#host.primaries[index] ?? null;
    if (partition === null) return replyMoved(to, messageId, index, this.#host.dataPlane.primaryOf(index));
    if (!answersForLocks(partition)) throw new KeyvalError('KV_NO_QUORUM', partition.obstacle());
    if (request.command === 'lock') return replyDocument(to, messageId, lockAnswer(partition, key));
    this.#break(partition, key, new Set(request.tokens.map((token) => `${BigInt(token)}`)), to, messageId);
  }

  #survey(request: Extract<LockRequest, { command: 'locks' }>, to: Asker, messageId: number): void {
    const { from, limit, waited = false } = request;
    const prefix = request.prefix === undefined ? NOTHING : (keyBytesOf(request.prefix) as Uint8Array);
    to.units += SURVEY_UNITS;
    replyDocument(to, messageId, surveyLocks(this.#host.primaries, { from, limit, prefix, waited }));
  }

  #break(
    partition: PartitionPrimary,
    key: Uint8Array,
    tokens: ReadonlySet<string>,
    to: Asker,
    messageId: number,
  ): void {
    if (!partition.writable) throw new KeyvalError('KV_NO_QUORUM', partition.obstacle());
    if (isBackedUp(partition.log, partition.applied))
      throw new KeyvalError('KV_OVERLOADED', refusalText('KV_OVERLOADED'));
    const by = to.name ?? '';
    const begun = partition.locks.breaks.begin(key, tokens, by, (losses) => {
      if (losses === null) return replyFail(to, messageId, 'KV_AMBIGUOUS', 'the primary changed meanwhile; look again');
      for (const loss of losses) this.#log(partition, key, loss);
      replyDocument(to, messageId, brokenAnswer(partition, key, losses));
    });
    if (begun) return;
    // Asked again because the answer was lost on its way: it is as was asked for.
    const before = partition.state.losses
      .of(key)
      .filter((loss) => isForced(loss) && tokens.has(tokenText(loss.epoch, loss.operation)));
    if (before.length === 0)
      throw new KeyvalError('KV_NOT_HELD', `nobody holds the lock under token ${[...tokens].join(' or ')}`);
    replyDocument(to, messageId, brokenAnswer(partition, key, before));
  }

  #log(partition: PartitionPrimary, key: Uint8Array, loss: Loss): void {
    const { token, name, session, by, cause } = lossFacts(loss, loss.atMs);
    const shown = keyNameOf(key.subarray(0, KEY_SHOWN_BYTES_MAX));
    const holder = cause === 'delay-ended' ? 'nobody: it was lost before, and its lock-delay is ended' : name;
    this.#host.log.write('warn', 'lock broken', { ...shown, partition: partition.id, holder, session, token, by });
  }
}

function isForced({ cause }: Loss): boolean {
  return cause === LossCause.broken || cause === LossCause.delayEnded;
}

function lockOf(partition: PartitionPrimary, key: Uint8Array): LockFacts | null {
  const slot = partition.state.locks.find(key, 0, key.length);
  return slot < 0 ? null : lockFacts(partition, slot, WHOLE);
}

function lockAnswer(partition: PartitionPrimary, key: Uint8Array): LockAnswer {
  const { losses } = partition.state;
  const now = partition.logTimeMs();
  return {
    lock: lockOf(partition, key),
    partition: partition.id,
    losses: losses.of(key).map((loss) => lossFacts(loss, now)),
    lossesKnownMs: Math.max(0, now - losses.sinceMs),
  };
}

function brokenAnswer(partition: PartitionPrimary, key: Uint8Array, losses: readonly Loss[]): BrokenAnswer {
  const now = partition.logTimeMs();
  return { broken: losses.map((loss) => lossFacts(loss, now)), lock: lockOf(partition, key) };
}
