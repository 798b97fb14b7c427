/** Check: a release or renewal is accepted only from who holds the lock with that token (rule L6). */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import type { Rule } from '../rules.ts';
import type { Grant } from './grant.ts';
import { type LockHistory, ownerKey } from './lock-history.ts';

/** A grant and, of all grants with greater tokens, the one answered first. */
interface Held {
  readonly grant: Grant;
  readonly newer: Operation | null;
}

export function checkClaims(history: LockHistory, findings: Findings): void {
  const held = indexGrants(history.grants);
  const released = new Map<string, Operation>();
  for (const claim of history.operations) {
    if ((claim.kind !== 'renew' && claim.kind !== 'release') || !claim.certain || claim.accepted !== true) continue;
    const rule: Rule = claim.kind === 'renew' ? 'renew-not-held' : 'release-not-held';
    const entry = held.get(ownerKey(claim));
    if (entry === undefined) checkStranger(history, claim, rule, findings);
    else checkHeld(entry, claim, released.get(ownerKey(claim)), rule, findings);
    if (claim.kind === 'release') released.set(ownerKey(claim), claim);
  }
}

function indexGrants(grants: readonly Grant[]): ReadonlyMap<string, Held> {
  const held = new Map<string, Held>();
  let newer: Operation | null = null;
  for (const grant of [...grants].reverse()) {
    held.set(ownerKey(grant.acquire), { grant, newer });
    if (newer === null || grant.acquire.ret < newer.ret) newer = grant.acquire;
  }
  return held;
}

/** Nobody saw this session get this token; it may have learnt it from an acquire that was never answered. */
function checkStranger(history: LockHistory, claim: Operation, rule: Rule, findings: Findings): void {
  const shadow = history.shadows.some(({ acquire }) => acquire.session === claim.session && acquire.call <= claim.ret);
  if (shadow) return;
  const owner = history.grants.find(({ token }) => token === claim.token);
  const why = `${nameOf(claim)} was accepted, but that session was never granted this token`;
  if (owner === undefined) findings.add(rule, [claim], `${why}.`);
  else findings.add(rule, [owner.acquire, claim], `${why}; ${owner.session} was.`);
}

function checkHeld(
  { grant, newer }: Held,
  claim: Operation,
  released: Operation | undefined,
  rule: Rule,
  findings: Findings,
): void {
  const { acquire, end } = grant;
  const over = (by: Operation, what: string) =>
    findings.add(rule, [acquire, by, claim], `${nameOf(claim)} was accepted, but ${nameOf(by)} ${what}.`);
  if (acquire.call > claim.ret) over(acquire, 'had not been sent when it was answered');
  else if (newer !== null && newer.ret < claim.call) over(newer, 'had been granted before it was sent');
  else if (released !== undefined && (claim.kind === 'release' || released.ret < claim.call)) {
    over(released, 'had released the lock already');
  } else if (end?.kind === 'close' && end.ret < claim.call) over(end, 'had ended the session before it was sent');
}
