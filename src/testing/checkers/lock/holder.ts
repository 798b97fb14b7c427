/** Check: who asks for the holder of a lock is told one who can have held it, and never another than who surely did. */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import { operationsOf } from './exclusion.ts';
import type { Grant, Interval } from './grant.ts';
import type { LockHistory } from './lock-history.ts';

export function checkHolders(history: LockHistory, findings: Findings): void {
  const questions = history.operations.filter(({ kind, certain }) => kind === 'holder' && certain);
  if (questions.length === 0) return;
  const surely = new PrefixBest(
    history.grants,
    ({ surely }) => surely.from,
    (a, b) => order(a.surely.until, b.surely.until),
  );
  for (const question of questions) {
    const grant = surely.before(question.call);
    if (grant !== undefined && grant.surely.until > question.ret) checkNamed(question, grant, findings);
    if (question.holder !== null) checkPossible(history, question, findings);
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

function checkPossible({ grants, shadows }: LockHistory, question: Operation, findings: Findings): void {
  const isMeant = ({ acquire, possibly }: { acquire: Operation; possibly: Interval }) =>
    acquire.session === question.holder && possibly.from <= question.ret && possibly.until >= question.call;
  const isGranted = (grant: Grant) =>
    isMeant(grant) && (question.token === undefined || question.token === grant.token);
  if (grants.some(isGranted) || shadows.some(isMeant)) return;
  const why = `${nameOf(question)} was told ${question.holder}, who cannot have held the lock then.`;
  findings.add('wrong-holder', [question], why);
}
