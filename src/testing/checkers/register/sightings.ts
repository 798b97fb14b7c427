/**
 * Check: a version names one state of a key. Whoever answers a version and a value has seen that state, be it the write
 * that made it or a read of whatever level.
 */

import { nameOf, show } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation, Value } from '../history/operation.ts';
import type { RegisterHistory } from './register-history.ts';
import { VERSION_ABSENT } from './register-operation.ts';
import { writtenOnce } from './zones.ts';

/** A value seen together with its version. */
export interface Sighting {
  readonly operation: Operation;
  readonly value: Value;
  readonly rank: number;
  /** By the operation that made the state. */
  readonly written: boolean;
}

/** All sightings of values that are there; absence has no version of its own. */
export function sightingsOf(history: RegisterHistory): Sighting[] {
  const sightings: Sighting[] = [];
  for (const operation of history.sources) {
    const rank = history.rankOf(operation.version);
    if (!operation.certain || rank <= VERSION_ABSENT || operation.kind === 'del') continue;
    const written = operation.kind === 'put' || operation.kind === 'incr' || operation.accepted === true;
    const value = operation.kind === 'incr' || !written ? operation.found : operation.value;
    if (typeof value === 'string') sightings.push({ operation, value, rank, written });
  }
  return sightings;
}

export function checkSightings(history: RegisterHistory, findings: Findings): void {
  const sightings = sightingsOf(history);
  const byRank = new Map<number, Sighting>();
  const once = writtenOnce(history);
  const byValue = new Map<Value, Sighting>();
  // Writes first, so that a read is held against the write it should have seen.
  for (const sighting of [
    ...sightings.filter(({ written }) => written),
    ...sightings.filter(({ written }) => !written),
  ]) {
    const same = byRank.get(sighting.rank);
    if (same === undefined) byRank.set(sighting.rank, sighting);
    else complainOfVersion(same, sighting, findings);
    if (!once.has(history.values.intern(sighting.value))) continue;
    const twin = byValue.get(sighting.value);
    if (twin === undefined) byValue.set(sighting.value, sighting);
    else complainOfValue(twin, sighting, findings);
  }
}

function complainOfVersion(a: Sighting, b: Sighting, findings: Findings): void {
  const proof = [a.operation, b.operation];
  const names = `${nameOf(a.operation)} and ${nameOf(b.operation)}`;
  const version = `version ${a.operation.version}`;
  if (a.written && b.written) findings.add('version-reused', proof, `${names} were both given ${version}.`);
  else if (a.value !== b.value) {
    findings.add('version-mismatch', proof, `${names} say that ${version} is ${show(a.value)} and ${show(b.value)}.`);
  }
}

/** One write, two versions: it was applied twice. */
function complainOfValue(a: Sighting, b: Sighting, findings: Findings): void {
  if (a.rank === b.rank) return;
  findings.add(
    'doubled-write',
    [a.operation, b.operation],
    `${show(a.value)} was written once, but it has version ${a.operation.version} for ${nameOf(a.operation)} and version ` +
      `${b.operation.version} for ${nameOf(b.operation)}: the write was applied twice.`,
  );
}
