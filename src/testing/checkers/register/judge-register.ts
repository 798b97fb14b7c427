/**
 * Judges one key of the store: first the checks that are quick and whose names say what is wrong, then the search, which
 * decides.
 */

import { nameOf, show } from '../describe.ts';
import type { Effort } from '../effort.ts';
import { type Finding, Findings } from '../finding.ts';
import type { Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';
import type { Rule } from '../rules.ts';
import { checkCounters } from './counters.ts';
import { checkLevels } from './levels.ts';
import { checkRefusals } from './refusals.ts';
import { RegisterHistory } from './register-history.ts';
import type { RegisterOperation } from './register-operation.ts';
import { searchOrder } from './search.ts';
import { shrink } from './shrink.ts';
import { checkSightings } from './sightings.ts';
import { checkSources } from './sources.ts';
import { checkUpdates } from './updates.ts';
import { ABSENT } from './value-table.ts';
import { checkVersions } from './versions.ts';
import { checkZones } from './zones.ts';

/** The finding, null when the key is linearizable, or `undecided` when the search gave up. */
export type RegisterVerdict = Finding | null | 'undecided';

type Check = (history: RegisterHistory, findings: Findings) => void;

/** The first check that finds something names the fault: from the one that says most to the one that says least. */
const checks: readonly Check[] = [
  checkSightings,
  checkUpdates,
  checkRefusals,
  checkCounters,
  checkSources,
  checkZones,
  checkVersions,
  checkLevels,
];

export function judgeRegister(
  key: string,
  operations: readonly Operation[],
  meta: Meta,
  effort: Effort,
): RegisterVerdict {
  const history = new RegisterHistory(key, operations, meta);
  for (const check of checks) {
    const findings = new Findings();
    check(history, findings);
    if (findings.best !== null) return findings.best;
  }
  const { length } = history.operations;
  const { verdict, steps } = searchOrder(history, effort.stepsFor(length));
  effort.spend(length, steps);
  if (verdict === 'undecided') return verdict;
  return verdict === 'linearizable' ? null : explain(history, effort);
}

function explain(history: RegisterHistory, effort: Effort): Finding {
  const { last, operations, anyStart } = shrink(history, effort);
  const findings = new Findings();
  const start = history.initial === ABSENT ? 'was absent' : `held ${show(history.values.valueOf(history.initial))}`;
  const before = anyStart ? 'Whatever the key held before' : `The key ${start} at the start`;
  const why =
    `${before}: no order of these operations, one after the other, gives all of them the answers they got. What was ` +
    `answered before ${nameOf(last.source)} was answered still fits together.`;
  findings.add(nameLast(last), operations, why);
  return findings.best as Finding;
}

function nameLast({ source, refused }: RegisterOperation): Rule {
  if (refused) return 'cas-wrong-refusal';
  if (source.kind === 'cas') return 'cas-wrong-match';
  if (source.kind === 'del' && source.accepted !== undefined) return 'wrong-found';
  return source.kind === 'get' && source.found === null ? 'lost-write' : 'not-linearizable';
}
