/** Check of a resource guarded by fencing tokens: once a token was accepted, no smaller one is (rules L2, L9). */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { compareDecimals } from '../history/decimal.ts';
import type { Operation } from '../history/operation.ts';
import { PrefixBest } from '../prefix-best.ts';

export function checkFence(operations: readonly Operation[], findings: Findings): void {
  const accepted = operations.filter((operation) => operation.certain && operation.accepted === true);
  const greatest = new PrefixBest(
    accepted,
    ({ ret }) => ret,
    (a, b) => compareDecimals(a.token as string, b.token as string),
  );
  for (const write of accepted) {
    const before = greatest.before(write.call);
    if (before === undefined || compareDecimals(before.token as string, write.token as string) <= 0) continue;
    const why = `${nameOf(write)} was accepted, but ${nameOf(before)} had been accepted before it was sent.`;
    findings.add('fence-broken', [before, write], why);
  }
}
