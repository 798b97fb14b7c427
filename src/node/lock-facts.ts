/** A lock as operators are told of it (L14, protocol/lock-facts.ts): who holds it, who waits, and how it was lost. */

import { type Loss, LossCause } from '../lock/losses.ts';
import type { HolderFacts, LockFacts, LossFacts, OwnerFacts, WaiterFacts } from '../protocol/lock-facts.ts';
import {
  HOLDERS_LISTED_MAX,
  KEY_LISTED_BYTES_MAX,
  type KeyName,
  type LossFactsCause,
  NAMED_PER_LOCK_MAX,
  SESSION_SHOWN_DIGITS,
} from '../protocol/lock-facts.ts';
import { Connection } from './connection.ts';
import type { PartitionPrimary } from './partition-primary.ts';

const NONE = -1;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

const causes: Readonly<Record<number, LossFactsCause>> = {
  [LossCause.expired]: 'expired',
  [LossCause.closed]: 'closed',
  [LossCause.givenBack]: 'given-back',
  [LossCause.broken]: 'broken',
  [LossCause.delayEnded]: 'delay-ended',
};

/** As JSON can hold it. */
export function keyNameOf(key: Uint8Array): KeyName {
  try {
    return { key: strict.decode(key) };
  } catch {
    return { key64: Buffer.from(key).toString('base64') };
  }
}

/** Of a JSON document; null: it names no key. An empty one is a prefix, and no key. */
export function keyBytesOf(name: unknown): Uint8Array | null {
  if (typeof name !== 'object' || name === null) return null;
  const { key, key64 } = name as Readonly<Record<string, unknown>>;
  if (typeof key === 'string' && key64 === undefined) return utf8.encode(key);
  if (typeof key64 !== 'string' || key !== undefined) return null;
  const bytes = Buffer.from(key64, 'base64');
  return bytes.toString('base64') === key64 ? new Uint8Array(bytes) : null;
}

/** Decimal. */
export function tokenText(epoch: number, operation: number): string {
  return `${(BigInt(epoch) << 32n) | BigInt(operation >>> 0)}`;
}

/** How much of a lock is told. */
export interface Extent {
  readonly holders: number;
  readonly waiters: number;
  readonly keyBytes: number;
}

export const LISTED: Extent = { holders: HOLDERS_LISTED_MAX, waiters: 0, keyBytes: KEY_LISTED_BYTES_MAX };
export const WHOLE: Extent = {
  holders: NAMED_PER_LOCK_MAX,
  waiters: NAMED_PER_LOCK_MAX,
  keyBytes: Number.POSITIVE_INFINITY,
};

export function lockFacts(partition: PartitionPrimary, slot: number, extent: Extent): LockFacts {
  const { locks } = partition.state;
  const key = new Uint8Array(locks.keyLength(slot));
  locks.copyKey(slot, key, 0);
  const holders: HolderFacts[] = [];
  let holderCount = 0;
  for (let held = locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held)) {
    if (holderCount < extent.holders) holders.push(holderFacts(partition, held));
    holderCount += 1;
  }
  const waiters: WaiterFacts[] = [];
  let waiterCount = 0;
  for (let held = locks.firstConverting(slot); held !== NONE; held = locks.convertingAfter(held)) {
    if (waiterCount < extent.waiters) waiters.push(waiterFacts(partition, held));
    waiterCount += 1;
  }
  for (let waiter = locks.firstWaiter(slot); waiter !== NONE; waiter = locks.waiterAfter(waiter)) {
    if (waiterCount < extent.waiters) waiters.push(waiterFacts(partition, waiter));
    waiterCount += 1;
  }
  const shown = key.length > extent.keyBytes ? key.subarray(0, extent.keyBytes) : key;
  return {
    ...keyNameOf(shown),
    partition: partition.id,
    keyBytes: key.length,
    holders,
    holderCount,
    waiters,
    waiterCount,
  };
}

function ownerFacts(partition: PartitionPrimary, request: number, mode: number): OwnerFacts {
  const { locks, attachments } = partition.state;
  const { requests } = locks;
  const attachment = attachments.atSlot(requests.attachment(request));
  return {
    session: attachment?.session.slice(0, SESSION_SHOWN_DIGITS) ?? '',
    name: attachment?.name ?? '',
    from: addressOf(attachment?.via ?? null),
    flow: requests.flow(request) >>> 1,
    mode,
    label: requests.label(request),
  };
}

/** Where a client that is connected to this very node comes from. */
function addressOf(via: object | null): string | null {
  return via instanceof Connection && !via.closed && via.peer < 0 ? via.channel.remoteAddress : null;
}

function holderFacts(partition: PartitionPrimary, held: number): HolderFacts {
  const { locks, attachments } = partition.state;
  const { requests } = locks;
  const attachment = attachments.atSlot(requests.attachment(held));
  const now = partition.logTimeMs();
  const heard = partition.nowMs - (attachment?.renewedAtMs ?? 0);
  return {
    ...ownerFacts(partition, held, requests.mode(held)),
    token: tokenText(requests.tokenEpoch(held), requests.tokenOperation(held)),
    heldMs: Math.max(0, now - requests.sinceMs(held)),
    leaseMs: attachment?.leaseMs ?? null,
    leaseLeftMs: attachment === null ? null : Math.max(0, Math.round(attachment.leaseMs - heard)),
    delayMs: requests.delayMs(held),
    abandonedForMs: requests.isAbandoned(held) ? Math.max(0, requests.untilMs(held) - now) : null,
  };
}

function waiterFacts(partition: PartitionPrimary, request: number): WaiterFacts {
  const { locks } = partition.state;
  const { requests } = locks;
  const conversion = locks.conversionOf(request);
  const since = conversion?.sinceMs ?? requests.sinceMs(request);
  return {
    ...ownerFacts(partition, request, conversion?.mode ?? requests.mode(request)),
    waitedMs: Math.max(0, partition.logTimeMs() - since),
    holds: conversion === undefined ? null : tokenText(requests.tokenEpoch(request), requests.tokenOperation(request)),
  };
}

export function lossFacts(loss: Loss, nowMs: number): LossFacts {
  return {
    cause: causes[loss.cause] as LossFactsCause,
    lostMs: Math.max(0, nowMs - loss.atMs),
    session: loss.session.slice(0, SESSION_SHOWN_DIGITS),
    name: loss.name,
    token: tokenText(loss.epoch, loss.operation),
    mode: loss.mode,
    flow: loss.flow >>> 1,
    label: loss.label,
    heldMs: Math.max(0, loss.atMs - loss.sinceMs),
    delayMs: loss.delayMs,
    by: loss.by,
  };
}
