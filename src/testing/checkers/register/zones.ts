/**
 * Check: a value that was written once is there without a break. Between the first answer and the last call of the
 * operations that saw it (its *zone*) no other value can be there for sure, not even for a moment (Gibbons and Korach,
 * "Testing Shared Memories", SIAM J. Comput. 1997, theorem 4.5):
 *
 *     first    ├──┤                          zone of "a"
 *     other          ├──┤         ├──┤       from here ┌──────────┐ to there
 *     last                           ├──┤
 *
 * Two zones may not overlap, and no operation that found or left another value may lie inside one.
 */

import { nameOf, show } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import type { Rule } from '../rules.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation } from './register-operation.ts';
import { ABSENT } from './value-table.ts';

interface Zone {
  readonly value: number;
  /** The operation answered first, and the one called last, of those that saw the value. */
  first: RegisterOperation;
  last: RegisterOperation;
}

export function checkZones(history: RegisterHistory, findings: Findings): void {
  const zones = zonesOf(history).sort((a, b) => order(a.first.ret, b.first.ret));
  let longest: Zone | null = null;
  for (const zone of zones) {
    if (longest !== null && zone.first.ret < longest.last.call) complainOfOverlap(history, longest, zone, findings);
    if (longest === null || zone.last.call > longest.last.call) longest = zone;
  }
  checkInsides(history, zones, findings);
}

/** The zones that are not empty, of values that were written once. */
function zonesOf(history: RegisterHistory): Zone[] {
  const zones = new Map<number, Zone>();
  for (const operation of history.operations) {
    for (const value of valuesSeen(operation)) {
      const zone = zones.get(value);
      if (zone === undefined) zones.set(value, { value, first: operation, last: operation });
      else extend(zone, operation);
    }
  }
  const once = writtenOnce(history);
  return [...zones.values()].filter(({ value, first, last }) => once.has(value) && first.ret < last.call);
}

/** Certain operations saw what they found and what they left; absence has no zone, it comes and goes. */
function valuesSeen({ certain, needs, makes }: RegisterOperation): readonly number[] {
  if (!certain) return [];
  return [needs, makes].filter((value) => value !== NONE && value !== ABSENT);
}

function extend(zone: Zone, operation: RegisterOperation): void {
  if (operation.ret < zone.first.ret) zone.first = operation;
  if (operation.call > zone.last.call) zone.last = operation;
}

/** The values that can have been written only once, the start included. */
export function writtenOnce(history: RegisterHistory): ReadonlySet<number> {
  const writes = new Map<number, number>([[history.initial, 1]]);
  for (const { makes } of history.operations) writes.set(makes, (writes.get(makes) ?? 0) + 1);
  const once = new Set<number>();
  for (const [value, count] of writes) {
    const computed = history.dynamic && history.values.integerOf(value) !== null;
    if (count === 1 && !computed) once.add(value);
  }
  return once;
}

function checkInsides(history: RegisterHistory, zones: readonly Zone[], findings: Findings): void {
  const index = new PrefixBest(
    zones,
    ({ first }) => first.ret,
    (a, b) => order(a.last.call, b.last.call),
  );
  for (const operation of history.operations) {
    if (!operation.certain) continue;
    const zone = index.before(operation.call);
    if (zone === undefined || zone.last.call <= operation.ret || !isElsewhere(operation, zone.value)) continue;
    const rule = nameInside(operation, zone);
    const value = show(history.values.valueOf(zone.value));
    findings.add(
      rule,
      [zone.first.source, operation.source, zone.last.source],
      `${value} was there for ${nameOf(zone.first.source)} and for ${nameOf(zone.last.source)}, so it was there all the ` +
        `time between them; ${nameOf(operation.source)} lies between and contradicts that.`,
    );
  }
}

/** At the moment of this operation the key certainly did not hold the value, or held it no longer. */
function isElsewhere(
  { needs, makes, refused, refusedValue, refusedVersion }: RegisterOperation,
  value: number,
): boolean {
  if (refused && refusedVersion === NONE && refusedValue === value) return true;
  return (needs !== NONE && needs !== value) || (makes !== NONE && makes !== value);
}

function nameInside({ source, changes, refused, needs, makes }: RegisterOperation, { value, first, last }: Zone): Rule {
  const lastIsUpdate = last.source.kind === 'cas' && last.changes;
  if (refused) return 'cas-wrong-refusal';
  if (source.kind === 'cas' && needs !== NONE && needs !== value) return 'cas-wrong-match';
  if (lastIsUpdate) return 'cas-wrong-match';
  if (source.kind === 'del' && !changes) return 'wrong-found';
  if (needs === ABSENT) return first.source.ttl !== undefined ? 'resurrected-delete' : 'lost-write';
  return makes === ABSENT ? 'resurrected-delete' : 'stale-read';
}

function complainOfOverlap(history: RegisterHistory, a: Zone, b: Zone, findings: Findings): void {
  const [one, other] = [show(history.values.valueOf(a.value)), show(history.values.valueOf(b.value))];
  findings.add(
    'stale-read',
    [a.first.source, a.last.source, b.first.source, b.last.source],
    `Each value was written once, and yet ${one} was there before and after ${other}, or the two were there in turns: ` +
      `${nameOf(a.last.source)} and ${nameOf(b.last.source)} cannot both be right.`,
  );
}
