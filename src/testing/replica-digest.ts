/**
 * One number for all that a replica holds: keys with values, revisions and deadlines, locks with holders, tokens and
 * waiters, losses of locks, sessions. Independent of where in memory and in which order it lies.
 */
import { absorb, finish } from '../base/mix.ts';
import type { PartitionState } from '../node/partition-state.ts';

export function digestOf(state: PartitionState): number {
  const held = keysDigest(state) + Math.imul(locksDigest(state), 3) + Math.imul(sessionsDigest(state), 7);
  return (held + Math.imul(lossesDigest(state), 11)) | 0;
}

function lossesDigest({ losses }: PartitionState): number {
  let sum = losses.added;
  for (const { key, cause, atMs, epoch, operation, sinceMs } of losses.from(0))
    sum = (sum + hashOf(key, [cause, atMs % 2 ** 32, epoch, operation, sinceMs % 2 ** 32])) | 0;
  return sum;
}

function keysDigest({ keys }: PartitionState): number {
  let sum = keys.size;
  for (let slot = keys.next(0); slot >= 0; slot = keys.next(slot + 1)) {
    const bytes = new Uint8Array(keys.keyLength(slot) + keys.valueLength(slot));
    keys.copyKey(slot, bytes, 0);
    keys.copyValue(slot, bytes, keys.keyLength(slot));
    const words = [keys.keyLength(slot), keys.epoch(slot), keys.operation(slot), keys.deadlineMs(slot) % 2 ** 32];
    sum = (sum + hashOf(bytes, words)) | 0;
  }
  return sum;
}

function locksDigest({ locks }: PartitionState): number {
  let sum = locks.size;
  for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
    const bytes = new Uint8Array(locks.keyLength(slot));
    locks.copyKey(slot, bytes, 0);
    const words: number[] = [];
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      const { mode = -1, sequence = -1 } = locks.conversionOf(held) ?? {};
      words.push(...wordsOf(locks.requests, held), mode, sequence, locks.formerOf(held)?.operation ?? -1);
    }
    for (let held = locks.firstConverting(slot); held >= 0; held = locks.convertingAfter(held))
      words.push(locks.requests.attachment(held), locks.requests.sequence(held));
    for (let waiter = locks.firstWaiter(slot); waiter >= 0; waiter = locks.waiterAfter(waiter))
      words.push(...wordsOf(locks.requests, waiter));
    sum = (sum + hashOf(bytes, words)) | 0;
  }
  return sum;
}

function wordsOf(requests: PartitionState['locks']['requests'], request: number): number[] {
  return [
    requests.attachment(request),
    requests.sequence(request),
    requests.tokenEpoch(request),
    requests.tokenOperation(request),
    requests.mode(request),
    requests.flow(request),
    requests.delayMs(request),
    requests.untilMs(request) % 2 ** 32,
    requests.label(request).length,
  ];
}

function sessionsDigest({ attachments }: PartitionState): number {
  let sum = attachments.size;
  for (const { slot, epoch, operation, mark } of attachments)
    sum = (sum + hashOf(EMPTY, [slot, epoch, operation, mark])) | 0;
  return sum;
}

/** Of longer values every so many-th byte is looked at. */
const WHOLE_BYTES_MAX = 4096;
const SAMPLE_STEP = 61;

const EMPTY: Uint8Array = new Uint8Array(0);

function hashOf(bytes: Uint8Array, words: readonly number[]): number {
  let hash = bytes.length;
  const step = bytes.length > WHOLE_BYTES_MAX ? SAMPLE_STEP : 1;
  for (let at = 0; at < bytes.length; at += step) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
  for (const word of words) hash = absorb(hash, word | 0);
  return finish(hash);
}
