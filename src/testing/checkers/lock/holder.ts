/** Check: who asks for the holder of a lock is told one who can have held it, and never another than who surely did. */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import { operationsOf } from './exclusion.ts';
import type { Grant, Interval } from './grant.ts';
import { type LockHistory, ownerKey } from './lock-history.ts';

export function checkHolders(history: LockHistory, findings: Findings): void {
  const questions = history.operations.filter(({ kind, certain }) => kind === 'holder' && certain);
  if (questions.length === 0) return;
  const surely = new PrefixBest(
    history.grants,
    ({ surely }) => surely.from,
    (a, b) => order(a.surely.until, b.surely.until),
  );
  const holds = possibleHolds(history);
  for (const question of questions) {
    const grant = surely.before(question.call);
    if (grant !== undefined && grant.surely.until > question.ret) checkNamed(question, grant, findings);
    if (question.holder !== null) checkPossible(holds, question, findings);
  }
}

/** The grant was in force from the sending of the question to its answer. */
function checkNamed(question: Operation, grant: Grant, findings: Findings): void {
  const sameToken = question.token === undefined || question.token === grant.token;
  if (question.holder === grant.session && sameToken) return;
  findings.add(
    'wrong-holder',
    [...operationsOf(grant), question],
    `${nameOf(question)} was told ${question.holder ?? 'nobody'}, but ${grant.session} held the lock with token ${grant.token} all the while.`,
  );
}

/** When each session may have held the lock, by session; and by token and session. */
type Holds = ReadonlyMap<string, PrefixBest<Interval>>;

function possibleHolds({ grants, shadows }: LockHistory): Holds {
  const intervals = new Map<string, Interval[]>();
  const add = (name: string, interval: Interval) => {
    const list = intervals.get(name);
    if (list === undefined) intervals.set(name, [interval]);
    else list.push(interval);
  };
  for (const { acquire, possibly } of grants) {
    add(sessionKey(acquire.session), possibly);
    add(ownerKey(acquire), possibly);
  }
  // Nobody knows the token of a shadow: it may be any.
  for (const { acquire, possibly } of shadows) add(shadowKey(acquire.session), possibly);
  const index = (list: readonly Interval[]) =>
    new PrefixBest(
      list,
      ({ from }) => from,
      (a, b) => order(a.until, b.until),
    );
  return new Map([...intervals].map(([name, list]) => [name, index(list)]));
}

function checkPossible(holds: Holds, question: Operation, findings: Findings): void {
  const { holder, token, call, ret } = question;
  const session = holder ?? undefined;
  const granted = token === undefined ? sessionKey(session) : ownerKey({ session, token });
  const meets = (name: string) => (holds.get(name)?.upTo(ret)?.until ?? Number.NEGATIVE_INFINITY) >= call;
  if (meets(granted) || meets(shadowKey(session))) return;
  const why = `${nameOf(question)} was told ${holder}, who cannot have held the lock then.`;
  findings.add('wrong-holder', [question], why);
}

function sessionKey(session: string | undefined): string {
  return `session ${session}`;
}

function shadowKey(session: string | undefined): string {
  return `shadow ${session}`;
}
