/**
 * Check: one holder at a time, and tokens that grow.
 *
 * The tokens tell the order of grants, so a grant must not have been given before the grant with the smaller token was
 * over:
 *
 *     token 1   ├──┤═══════════════╡ surely held until here
 *     token 2          ├──┤ granted by here: two holders
 */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { compareDecimals } from '../history/decimal.ts';
import type { Operation } from '../history/operation.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import type { Grant } from './grant.ts';
import type { LockHistory } from './lock-history.ts';

/** Intervals in which two grants are surely held, whatever the tokens say. */
export function checkOverlap({ grants }: LockHistory, findings: Findings): void {
  let longest: Grant | null = null;
  for (const grant of [...grants].sort((a, b) => order(a.surely.from, b.surely.from))) {
    if (grant.surely.from >= grant.surely.until) continue;
    if (longest !== null && grant.surely.from < longest.surely.until) complainOfTwo(longest, grant, findings);
    if (longest === null || grant.surely.until > longest.surely.until) longest = grant;
  }
}

export function checkTokens({ grants }: LockHistory, findings: Findings): void {
  for (const [i, grant] of grants.entries()) {
    const twin = grants[i + 1];
    if (twin?.token !== grant.token) continue;
    const proof = [grant.acquire, twin.acquire];
    findings.add('token-reused', proof, `${proof.map(nameOf).join(' and ')} were both granted token ${grant.token}.`);
  }
}

export function checkTokenOrder({ grants }: LockHistory, findings: Findings): void {
  const greatest = new PrefixBest(
    grants,
    ({ acquire }) => acquire.ret,
    (a, b) => compareDecimals(a.token, b.token),
  );
  for (const grant of grants) {
    const before = greatest.before(grant.acquire.call);
    if (before === undefined || compareDecimals(before.token, grant.token) <= 0) continue;
    findings.add(
      'token-back',
      [before.acquire, grant.acquire],
      `${nameOf(grant.acquire)} was granted token ${grant.token}, but token ${before.token} had been granted before it was sent.`,
    );
  }
}

/** Grants in the order of their tokens: each begins when the ones before it are over. Wants tokens that grow. */
export function checkSuccession({ grants }: LockHistory, findings: Findings): void {
  let longest: Grant | null = null;
  for (const grant of grants) {
    if (longest !== null && grant.acquire.ret < longest.surely.until) complainOfTwo(longest, grant, findings);
    if (longest === null || grant.surely.until > longest.surely.until) longest = grant;
  }
}

function complainOfTwo(first: Grant, second: Grant, findings: Findings): void {
  const [one, other] = [nameOf(first.acquire), nameOf(second.acquire)];
  findings.add(
    'two-holders',
    [...operationsOf(first), ...operationsOf(second)],
    `${one} was granted token ${first.token} and its holder had neither sent a release nor had its lease run out when ` +
      `${other} was granted token ${second.token}.`,
  );
}

/** A grant in a listing: the acquire, what prolonged it last, what ended it. */
export function operationsOf({ acquire, renewal, end }: Grant): Operation[] {
  return [acquire, renewal, end].filter((operation) => operation !== null);
}
