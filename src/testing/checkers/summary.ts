/** What a history holds, counted: the table under a verdict. */

import type { History } from './history/history-reader.ts';
import type { Operation, OperationKind, Outcome } from './history/operation.ts';
import { operationKinds } from './history/operation.ts';

export interface Counts {
  readonly calls: number;
  readonly ok: number;
  readonly fail: number;
  /** Unanswered ones included. */
  readonly unknown: number;
}

export interface Summary extends Counts {
  /** Only the kinds that occur, in the order of the format's table. */
  readonly byKind: readonly (Counts & { readonly kind: OperationKind })[];
  readonly keys: number;
  readonly clients: number;
  /** From the first call to the last stamp, ns. */
  readonly durationNs: number;
  /** Unknown outcomes by all outcomes, 0 to 1. Where it is large, a verdict says little. */
  readonly unknownShare: number;
}

export function summarize({ operations }: History): Summary {
  const byKind = operationKinds
    .map((kind) => ({ kind, ...count(operations.filter((operation) => operation.kind === kind)) }))
    .filter(({ calls }) => calls > 0);
  const total = count(operations);
  return {
    ...total,
    byKind,
    keys: new Set(operations.filter(({ key }) => key !== '').map(({ key }) => key)).size,
    clients: new Set(operations.map(({ client }) => client)).size,
    durationNs: duration(operations),
    unknownShare: total.unknown / total.calls,
  };
}

function count(operations: readonly Operation[]): Counts {
  const counts: Record<Outcome, number> = { ok: 0, fail: 0, unknown: 0 };
  for (const { outcome } of operations) counts[outcome]++;
  return { calls: operations.length, ...counts };
}

function duration(operations: readonly Operation[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { sentAt, answeredAt } of operations) {
    first = Math.min(first, sentAt);
    last = Math.max(last, answeredAt === Number.POSITIVE_INFINITY ? sentAt : answeredAt);
  }
  return last - first;
}
