/** Judges one lock. Each check is exact about what it proves; together they do not decide every history of a lock. */

import { type Finding, Findings } from '../finding.ts';
import type { Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';
import { checkClaims } from './claims.ts';
import { checkOverlap, checkSuccession, checkTokenOrder, checkTokens } from './exclusion.ts';
import { checkHolders } from './holder.ts';
import { LockHistory, type SessionEvents } from './lock-history.ts';
import { checkRefusedAcquires } from './refusal.ts';

type Check = (history: LockHistory, findings: Findings) => void;

const checks: readonly Check[] = [
  checkTokens,
  checkOverlap,
  checkTokenOrder,
  checkSuccession,
  checkClaims,
  checkRefusedAcquires,
  checkHolders,
];

/** @param operations acquire, renew, release and holder of one key @param sessions see `SessionEvents` */
export function judgeLock(operations: readonly Operation[], sessions: SessionEvents, meta: Meta): Finding | null {
  const history = new LockHistory(operations, sessions, meta);
  for (const check of checks) {
    const findings = new Findings();
    check(history, findings);
    if (findings.best !== null) return findings.best;
  }
  return null;
}
