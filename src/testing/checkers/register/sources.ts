/**
 * Check: every value found must have a source, a write that can have been the latest one. A source must have begun before
 * the observer ended, and must not have been overwritten for sure before the observer began:
 *
 *     source    ├──┤
 *     write          ├──┤                source.ret < write.call and write.ret < observer.call: stale
 *     observer             ├──┤
 *
 * Absence has deletes, expiries and the empty start for sources.
 */

import { nameOf, show } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation, Value } from '../history/operation.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import type { Rule } from '../rules.ts';
import type { RegisterHistory } from './register-history.ts';
import { NONE, type RegisterOperation } from './register-operation.ts';
import { ABSENT } from './value-table.ts';

/** A value may be there from `from` on; it was surely overwritten by a write called after `until`. */
interface Source {
  readonly from: number;
  readonly until: number;
  /** null: the start. */
  readonly operation: RegisterOperation | null;
}

type SourcesByValue = ReadonlyMap<number, PrefixBest<Source>>;

export function checkSources(history: RegisterHistory, findings: Findings): void {
  const sources = indexSources(history);
  const writes = new PrefixBest(
    history.operations.filter(({ certain, changes }) => certain && changes),
    ({ ret }) => ret,
    (a, b) => order(a.call, b.call),
  );
  for (const observer of history.operations) {
    if (findings.enough) return;
    if (!observer.certain || observer.needs === NONE || isComputed(history, observer.needs)) continue;
    const overwrite = writes.before(observer.call);
    const source = sources.get(observer.needs)?.upTo(observer.ret);
    if (source === undefined) findings.add(...nameMissing(history, observer, overwrite));
    else if (overwrite !== undefined && source.until < overwrite.call) {
      findings.add(...nameOverwritten(history, observer, source, overwrite));
    }
  }
}

/** An increment of unknown fate can have made any whole number. */
function isComputed(history: RegisterHistory, value: number): boolean {
  return history.dynamic && value !== ABSENT && history.values.integerOf(value) !== null;
}

function indexSources(history: RegisterHistory): SourcesByValue {
  const lists = new Map<number, Source[]>();
  const add = (value: number, source: Source) => {
    const list = lists.get(value);
    if (list === undefined) lists.set(value, [source]);
    else list.push(source);
  };
  add(history.initial, { from: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY, operation: null });
  // An increment keeps the time to live, so that what expires need not be what was put.
  const increments = history.operations.some(({ source }) => source.kind === 'incr');
  for (const operation of history.operations) {
    const { changes, makes, call, ret, lifetime } = operation;
    if (changes && makes !== NONE) add(makes, { from: call, until: ret, operation });
    if (lifetime < Number.POSITIVE_INFINITY) {
      add(ABSENT, { from: call + lifetime, until: increments ? Number.POSITIVE_INFINITY : ret, operation });
    }
  }
  const index = (list: readonly Source[]) =>
    new PrefixBest(
      list,
      ({ from }) => from,
      (a, b) => order(a.until, b.until),
    );
  return new Map([...lists].map(([value, list]) => [value, index(list)]));
}

type Breach = [rule: Rule, operations: readonly Operation[], why: string];

/** Nothing that can have been the source began in time. */
function nameMissing(
  history: RegisterHistory,
  observer: RegisterOperation,
  overwrite: RegisterOperation | undefined,
): Breach {
  if (observer.needs === ABSENT) return nameLost(history, observer, overwrite);
  const value = history.values.valueOf(observer.needs);
  const [rule, culprit, why] = explainMissing(history.sources, value, observer.source);
  return [rule, culprit === null ? [observer.source] : [culprit, observer.source], why];
}

/** Why a value has no source: nobody wrote it, or only somebody whose write failed, or too late. */
export function explainMissing(
  operations: readonly Operation[],
  value: Value,
  observer: Operation,
): [rule: Rule, culprit: Operation | null, why: string] {
  const writers = operations.filter((operation) => writtenBy(operation) === value);
  const possible = writers.find(({ outcome, accepted }) => outcome !== 'fail' && accepted !== false);
  const what = `${nameOf(observer)} found ${show(value)}`;
  if (possible !== undefined) {
    return ['future-read', possible, `${what} and was answered before ${nameOf(possible)} was sent.`];
  }
  const failed = writers[0];
  if (failed !== undefined) {
    return ['fail-took-effect', failed, `${what}, which only ${nameOf(failed)} wrote, and that had no effect.`];
  }
  return [observer.kind === 'cas' ? 'cas-wrong-match' : 'phantom-value', null, `${what}, which nobody wrote.`];
}

function writtenBy({ kind, value, found }: Operation): Value | undefined {
  if (kind === 'put' || kind === 'cas') return value;
  return kind === 'incr' ? found : undefined;
}

function nameOverwritten(
  history: RegisterHistory,
  observer: RegisterOperation,
  source: Source,
  overwrite: RegisterOperation,
): Breach {
  if (observer.needs === ABSENT) return nameLost(history, observer, overwrite);
  const { kind } = observer.source;
  const deleted = overwrite.makes === ABSENT;
  const stale = deleted ? 'resurrected-delete' : 'stale-read';
  const written = source.operation === null ? [] : [source.operation.source];
  const why =
    `${nameOf(observer.source)} found ${show(history.values.valueOf(observer.needs))}, but ${nameOf(overwrite.source)} ` +
    `had ${deleted ? 'deleted' : 'overwritten'} it and was answered before: the answer is old, or the old write was ` +
    'applied again.';
  return [
    kind === 'cas' && observer.changes ? 'cas-wrong-match' : stale,
    [...written, overwrite.source, observer.source],
    why,
  ];
}

/** Absence was found, although something had been written and nothing removed it since. */
function nameLost(
  history: RegisterHistory,
  observer: RegisterOperation,
  overwrite: RegisterOperation | undefined,
): Breach {
  const proof = overwrite === undefined ? [observer.source] : [overwrite.source, observer.source];
  const written =
    overwrite === undefined ? 'the key had a value from the start' : `${nameOf(overwrite.source)} was done`;
  const why = `${nameOf(observer.source)} found nothing, but ${written} and nothing can have removed the value`;
  if (overwrite?.source.ttl !== undefined) {
    return ['early-expiry', proof, `${why} yet: its time to live had not run out.`];
  }
  const { kind } = observer.source;
  const rule: Rule =
    kind === 'cas' && observer.changes ? 'cas-wrong-match' : kind === 'del' ? 'wrong-found' : 'lost-write';
  return [rule, proof, `${why}${history.expires ? ' by then' : ''}.`];
}
