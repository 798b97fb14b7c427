/** Check: an acquire is refused only while somebody may hold the lock, unless the history allows it (`denyFree`). */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import { operationsOf } from './exclusion.ts';
import type { Grant } from './grant.ts';
import type { LockHistory, Shadow } from './lock-history.ts';

export function checkRefusedAcquires(history: LockHistory, findings: Findings): void {
  if (history.meta.denyFree) return;
  const holds = new PrefixBest<Grant | Shadow>(
    [...history.grants, ...history.shadows],
    ({ possibly }) => possibly.from,
    (a, b) => order(a.possibly.until, b.possibly.until),
  );
  for (const acquire of history.operations) {
    if (acquire.kind !== 'acquire' || !acquire.certain || acquire.accepted !== false) continue;
    const hold = holds.upTo(acquire.ret);
    if (hold !== undefined && hold.possibly.until >= acquire.call) continue;
    const before = hold === undefined || !('token' in hold) ? [] : operationsOf(hold);
    const why = `${nameOf(acquire)} was refused, but from its sending to its answer nobody can have held the lock.`;
    findings.add('refused-while-free', [...before, acquire], why);
  }
}
