/**
 * Check: versions grow. An operation that began after another had been answered is not answered an older version, a
 * write not even the same; and between the version a compare-and-set demanded and the one it made, there is no other.
 */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { type Sighting, sightingsOf } from './sightings.ts';

export function checkVersions(history: RegisterHistory, findings: Findings): void {
  checkOrder(history, findings);
  checkConditions(history, findings);
}

function checkOrder(history: RegisterHistory, findings: Findings): void {
  const versioned = history.operations.filter(({ certain, version }) => certain && version > VERSION_ABSENT);
  const newest = new PrefixBest(
    versioned,
    ({ ret }) => ret,
    (a, b) => a.version - b.version,
  );
  for (const operation of versioned) {
    const before = newest.before(operation.call);
    if (before === undefined || before.version < operation.version) continue;
    if (before.version === operation.version && !makesVersion(operation)) continue;
    findings.add(
      'version-went-back',
      [before.source, operation.source],
      `${nameOf(before.source)} had been answered version ${before.source.version} before ${nameOf(operation.source)} ` +
        `was sent, and that was answered version ${operation.source.version}.`,
    );
  }
}

/** A delete that found nothing need not make a version. */
function makesVersion({ changes, needsPresence, source }: RegisterOperation): boolean {
  return changes && (source.kind !== 'del' || needsPresence);
}

function checkConditions(history: RegisterHistory, findings: Findings): void {
  const sightings = sightingsOf(history);
  const index = new PrefixBest(
    sightings,
    ({ rank }) => rank,
    (a, b) => order(a.rank, b.rank),
  );
  for (const operation of history.operations) {
    const { certain, changes, needsVersion, version } = operation;
    if (!certain || !changes || needsVersion <= VERSION_ABSENT || version === NONE) continue;
    const between = index.before(version);
    if (between !== undefined && between.rank > needsVersion) complain(operation, between, findings);
  }
}

function complain({ source }: RegisterOperation, between: Sighting, findings: Findings): void {
  findings.add(
    'cas-wrong-match',
    [between.operation, source],
    `${nameOf(source)} succeeded and made version ${source.version}, but ${nameOf(between.operation)} shows that the key ` +
      `had version ${between.operation.version} in between.`,
  );
}
