/**
 * Check: two compare-and-sets cannot both succeed from one and the same state. A version stands for one state, so two
 * from one version are one too many; a value stands for as many states as it was written times.
 */

import { nameOf, show } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { ABSENT } from './value-table.ts';

export function checkUpdates(history: RegisterHistory, findings: Findings): void {
  const updates = history.operations.filter(({ certain, source }) => certain && source.kind === 'cas');
  const succeeded = updates.filter(({ changes }) => changes);
  for (const [version, group] of groupBy(succeeded, ({ needsVersion }) => needsVersion)) {
    if (version > VERSION_ABSENT) complain(group, 1, `version ${group[0]?.source.expectedVersion}`, findings);
  }
  if (history.dynamic) return;
  const writes = countWrites(history);
  for (const [value, group] of groupBy(succeeded, ({ needs }) => needs)) {
    if (value === NONE || value === ABSENT) continue;
    complain(group, writes.get(value) ?? 0, show(history.values.valueOf(value)), findings);
  }
}

/** How often each value can have been written, the start included. */
function countWrites(history: RegisterHistory): ReadonlyMap<number, number> {
  const writes = new Map<number, number>([[history.initial, 1]]);
  for (const { makes } of history.operations) writes.set(makes, (writes.get(makes) ?? 0) + 1);
  return writes;
}

function complain(group: readonly RegisterOperation[], states: number, what: string, findings: Findings): void {
  // No state at all is another fault: a value that nobody wrote.
  if (states === 0) return;
  for (let i = states; i < group.length; i++) {
    const proof = group.slice(i - states, i + 1).map(({ source }) => source);
    const times = states === 1 ? 'there only once' : `written ${states} times at most`;
    const names = proof.map(nameOf).join(' and ');
    findings.add('lost-update', proof, `${names} all succeeded from ${what}, which was ${times}.`);
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => number): ReadonlyMap<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
