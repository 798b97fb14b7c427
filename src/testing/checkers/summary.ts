/** What a history holds, counted: the table under a verdict. */

import type { History } from './history/history-reader.ts';
import type { Operation, OperationKind } from './history/operation.ts';
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

type Mutable = { -readonly [Field in keyof Counts]: number };

export function summarize({ operations }: History): Summary {
  const counts = new Map<OperationKind, Mutable>(operationKinds.map((kind) => [kind, noCounts()]));
  const keys = new Set<string>();
  const clients = new Set<string>();
  const total = noCounts();
  for (const operation of operations) {
    add(counts.get(operation.kind) as Mutable, operation);
    add(total, operation);
    if (operation.key !== '') keys.add(operation.key);
    clients.add(operation.client);
  }
  return {
    ...total,
    byKind: [...counts].filter(([, { calls }]) => calls > 0).map(([kind, count]) => ({ kind, ...count })),
    keys: keys.size,
    clients: clients.size,
    durationNs: duration(operations),
    unknownShare: total.unknown / total.calls,
  };
}

function noCounts(): Mutable {
  return { calls: 0, ok: 0, fail: 0, unknown: 0 };
}

function add(counts: Mutable, { outcome }: Operation): void {
  counts.calls++;
  counts[outcome]++;
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
