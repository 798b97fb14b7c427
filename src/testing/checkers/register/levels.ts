/**
 * Check of reads that promise less than linearizability: `stale` must name a value that somebody had sent before the
 * read was answered; `mono` that, and no older version than the same client was answered before.
 */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import { PrefixBest } from '../prefix-best.ts';
import type { RegisterHistory } from './register-history.ts';
import { VERSION_ABSENT } from './register-operation.ts';
import { explainMissing } from './sources.ts';
import { ABSENT } from './value-table.ts';

export function checkLevels(history: RegisterHistory, findings: Findings): void {
  const reads = history.sources.filter(({ kind, certain }) => kind === 'get' && certain);
  const weak = reads.filter(({ level }) => level !== 'lin');
  if (weak.length === 0) return;
  checkProvenance(history, weak, findings);
  const clients = new Set(weak.filter(({ level }) => level === 'mono').map(({ client }) => client));
  for (const client of clients) {
    checkMonotonic(
      history,
      reads.filter((read) => read.client === client),
      findings,
    );
  }
}

function checkProvenance(history: RegisterHistory, weak: readonly Operation[], findings: Findings): void {
  const earliest = new Map<number, number>([[history.initial, Number.NEGATIVE_INFINITY]]);
  const note = (value: number, from: number) => {
    earliest.set(value, Math.min(from, earliest.get(value) ?? Number.POSITIVE_INFINITY));
  };
  for (const { makes, call, lifetime } of history.operations) {
    note(makes, call);
    if (lifetime < Number.POSITIVE_INFINITY) note(ABSENT, call + lifetime);
  }
  for (const read of weak) {
    if (findings.enough) return;
    const value = history.values.intern(read.found ?? null);
    const computed = history.dynamic && history.values.integerOf(value) !== null;
    if (computed || (earliest.get(value) ?? Number.POSITIVE_INFINITY) <= read.ret) continue;
    const [rule, culprit, why] = explainMissing(history.sources, read.found ?? null, read);
    findings.add(rule, culprit === null ? [read] : [culprit, read], why);
  }
}

function checkMonotonic(history: RegisterHistory, reads: readonly Operation[], findings: Findings): void {
  const rank = (read: Operation) => history.rankOf(read.version);
  const versioned = reads.filter((read) => rank(read) > VERSION_ABSENT);
  // One client has one clock: the stamps as written.
  const newest = new PrefixBest(
    versioned,
    ({ answeredAt }) => answeredAt,
    (a, b) => rank(a) - rank(b),
  );
  for (const read of versioned) {
    const before = read.level === 'mono' ? newest.before(read.sentAt) : undefined;
    if (before === undefined || rank(before) <= rank(read)) continue;
    const why = `${nameOf(before)} had been answered version ${before.version}, and ${nameOf(read)} after it version ${read.version}.`;
    findings.add('monotonic-read', [before, read], why);
  }
}
