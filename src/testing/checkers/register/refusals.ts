/** Check: a refused compare-and-set that names what it found must have found something else than it demanded. */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import type { RegisterHistory } from './register-history.ts';

export function checkRefusals(history: RegisterHistory, findings: Findings): void {
  for (const operation of history.sources) {
    if (operation.kind !== 'cas' || !operation.certain || operation.accepted !== false) continue;
    if (!contradictsItself(operation)) continue;
    findings.add(
      'cas-wrong-refusal',
      [operation],
      `${nameOf(operation)} was refused, and found just what it demanded.`,
    );
  }
}

/** What it found is known and meets each condition there is. */
function contradictsItself({ expected, expectedVersion, found, version }: Operation): boolean {
  const absent = found === null || (found === undefined && version === '0');
  const meetsValue = expected === undefined || (expected === null ? absent : found === expected);
  if (expectedVersion === undefined) return meetsValue;
  return meetsValue && (expectedVersion === '0' ? absent : !absent && version === expectedVersion);
}
