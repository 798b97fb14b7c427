/** What a replica of a partition holds, in a form that two of them can be compared by. */
import type { PartitionState } from '../../../src/node/partition-state.ts';
import { RecordStatus } from '../../../src/replication/attachment.ts';
import { contentDigest } from '../../../src/store/content-digest.ts';

export interface ReplicaContent {
  readonly keys: number;
  readonly digest: bigint;
  /** By key: holders with their tokens, conversions, then the waiters in order. */
  readonly locks: Record<string, readonly string[]>;
  /** By session: what attached it, and the outcomes kept. */
  readonly sessions: Record<string, readonly string[]>;
}

/** Sequences from the mark on whose records are compared; tests have no more under way. */
const RECORDS_COMPARED = 150;

export function describeReplica(state: PartitionState): ReplicaContent {
  return {
    keys: state.keys.size,
    digest: contentDigest(state.keys),
    locks: locksOf(state),
    sessions: sessionsOf(state),
  };
}

function locksOf(state: PartitionState): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  const { locks } = state;
  for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
    const key = Buffer.alloc(locks.keyLength(slot));
    locks.copyKey(slot, key, 0);
    const lines: string[] = [];
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) {
      const former = locks.formerOf(held);
      lines.push(`${requestText(state, held)}${former === undefined ? '' : ` was ${JSON.stringify(former)}`}`);
    }
    for (let held = locks.firstConverting(slot); held >= 0; held = locks.convertingAfter(held))
      lines.push(conversionText(state, held));
    for (let waiter = locks.firstWaiter(slot); waiter >= 0; waiter = locks.waiterAfter(waiter))
      lines.push(
        locks.requests.isWaiting(waiter) ? requestText(state, waiter) : `in line: ${conversionText(state, waiter)}`,
      );
    found[`${key}`] = lines;
  }
  return found;
}

function conversionText({ locks }: PartitionState, request: number): string {
  return `${request} converts ${JSON.stringify(locks.conversionOf(request))}`;
}

function requestText({ locks, attachments }: PartitionState, request: number): string {
  const { requests } = locks;
  const isAbandoned = requests.isAbandoned(request);
  const who = isAbandoned ? 'nobody' : attachments.atSlot(requests.attachment(request))?.session;
  const token = requests.isWaiting(request)
    ? 'waits'
    : `${requests.tokenEpoch(request)}.${requests.tokenOperation(request)}`;
  const times = `since ${requests.sinceMs(request)} delay ${requests.delayMs(request)} until ${requests.untilMs(request)}`;
  const what = `mode ${requests.mode(request)} flow ${requests.flow(request)} '${requests.label(request)}'`;
  return `${request}: ${who} ${requests.sequence(request)} ${token} ${times} ${what}`;
}

/** What is pending is known to the primary alone, and no part of it. */
function sessionsOf({ attachments }: PartitionState): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const attachment of attachments) {
    const { epoch, operation, session, name, leaseMs, mark } = attachment;
    const lines = [`${epoch}.${operation} ${name} ${leaseMs} mark ${mark}`];
    for (let ahead = 0; ahead < RECORDS_COMPARED; ahead += 1) {
      const sequence = (mark + ahead) | 0;
      const status = attachment.status(sequence);
      if (status === RecordStatus.none || status === RecordStatus.pending) continue;
      const revision = `${attachment.recordEpoch(sequence)}.${attachment.recordOperation(sequence)}`;
      const payload = `${attachment.payloadHigh(sequence)}:${attachment.payloadLow(sequence)}`;
      lines.push(`${sequence} status ${status} ${revision} ${payload}`);
    }
    found[session] = lines;
  }
  return found;
}
