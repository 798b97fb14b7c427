/** How the commands about locks write what several of them show, for people and as documents. */
import type { Key } from '../../client/key-buffer.ts';
import type { LockHolder, LockInfo, LockList, LockWaiter, PastLoss } from '../../client/lock-admin.ts';
import { counted, orDash } from '../cluster/text.ts';
import { keyField } from '../shared/key.ts';
import { type Document, oneLine } from '../shared/output.ts';
import { spanText } from '../shared/table.ts';

const SECOND_MS = 1000;
const encoder = new TextEncoder();

/** `350ms`, `4s`, `3m 4s`. */
export function timeText(ms: number): string {
  return ms < SECOND_MS ? `${Math.round(ms)}ms` : spanText(ms);
}

/** A key on one line, without quotes. */
export function keyText({ key, keyBytes }: Pick<LockInfo, 'key' | 'keyBytes'>): string {
  const bytes = bytesOf(key);
  return bytes.length < keyBytes ? `${oneLine(bytes)}…` : oneLine(bytes);
}

function bytesOf(key: Key): Uint8Array {
  return typeof key === 'string' ? encoder.encode(key) : key;
}

/** What clients call themselves and their locks is text of theirs: control characters are written as in keys. */
export function shownText(text: string): string {
  return orDash(oneLine(encoder.encode(text)));
}

export function flowText(flow: number): string {
  return flow === 0 ? '-' : `${flow}`;
}

/** Of a holder: how long its lease lasts still, or its lock-delay. */
export function leaseText({ leaseLeftMs, abandonedForMs }: LockHolder): string {
  if (abandonedForMs !== null) return `lost; free in ${timeText(abandonedForMs)}`;
  return leaseLeftMs === null ? '-' : timeText(leaseLeftMs);
}

export function holderName({ name, abandonedForMs }: Pick<LockHolder, 'name' | 'abandonedForMs'>): string {
  return abandonedForMs === null ? shownText(name) : '(nobody)';
}

export function holderDocument({ token, ...holder }: LockHolder): Document {
  return { ...holder, token: `${token}` };
}

export function waiterDocument({ holds, ...waiter }: LockWaiter): Document {
  return { ...waiter, holds: holds === null ? null : `${holds}` };
}

export function lockDocument({ key, holders, waiters, ...lock }: LockInfo): Document {
  return {
    ...keyFieldToHandOn(key),
    ...lock,
    holders: holders.map(holderDocument),
    waiters: waiters.map(waiterDocument),
  };
}

/** As `scan` has it; in base64 also where control characters are in it, which a command line does not take or mangles. */
function keyFieldToHandOn(key: Key): Document {
  if (typeof key !== 'string' || !/\p{Cc}/u.test(key)) return keyField(key);
  return { ...keyField(key), keyBase64: Buffer.from(key).toString('base64') };
}

/** When it was, by the clock of whoever asks. */
export function lossDocument({ token, ...loss }: PastLoss, nowMs: number): Document {
  return { ...loss, token: `${token}`, lostAt: momentOf(loss, nowMs) };
}

function momentOf({ lostMs }: Pick<PastLoss, 'lostMs'>, nowMs: number): string {
  return new Date(nowMs - lostMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** One sentence: when, who, and why. */
export function lossText(loss: PastLoss, nowMs: number): string {
  const { lostMs, name, mode, token, label, heldMs } = loss;
  const what = `${mode}, token ${token}${label === '' ? '' : `, ${shownText(label)}`}, held ${timeText(heldMs)}`;
  const who =
    loss.cause === 'delay-ended' ? `nobody held it any more (${what})` : `${shownText(name)} lost it (${what})`;
  return `${timeText(lostMs)} ago, ${momentOf(loss, nowMs)}: ${who}: ${reasonOf(loss)}`;
}

function reasonOf({ cause, by, delayMs }: PastLoss): string {
  const whose = by === '' ? 'an operator' : shownText(by);
  switch (cause) {
    case 'expired':
      return `its session was not heard of for a lease${delayMs > 0 ? `; the key stayed locked for ${timeText(delayMs)}` : ''}`;
    case 'closed':
      return 'its session was closed while it held the lock';
    case 'given-back':
      return 'the lease had run out at the client before a renewal was acknowledged, and it gave the lock back';
    case 'broken':
      return `broken by ${whose}`;
    case 'delay-ended':
      return `the lock-delay was ended by ${whose}`;
    default:
      return cause;
  }
}

/** What is wrong with a listing, a line each, and whether it is complete all the same. Empty: every node has answered. */
export function missingLines({ silentPartitions, errors }: LockList): string[] {
  if (silentPartitions === 0 && errors.length === 0) return [];
  const verdict =
    silentPartitions === 0
      ? 'the list is complete all the same: every partition has answered'
      : `the list is not complete: ${counted(silentPartitions, 'partition')} had no primary that answers`;
  return [
    ...errors.map(({ endpoint, error }) => `${endpoint} does not answer: ${error.code}: ${error.message}`),
    verdict,
  ];
}

export function missingDocument({ silentPartitions, truncated, matching, errors }: LockList): Document {
  return {
    matching,
    truncated,
    silentPartitions,
    errors: errors.map(({ endpoint, error: { code, message } }) => ({ endpoint, code, message })),
  };
}
