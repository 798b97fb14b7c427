/**
 * Requests for votes, which every role answers alike: one vote per term, for a log that holds at least what the own log
 * holds (Raft §5.2, §5.4.1), and none while the leader is heard (thesis 4.2.3). Whoever votes restarts its own clock.
 */

import type { Core } from './core.ts';
import { NOBODY, type PreVoteRequest, type VoteRequest } from './messages.ts';

/** Whether a request is to be left unanswered, its term not even looked at: the leader was heard a moment ago. */
export function isIgnored(core: Core, request: PreVoteRequest | VoteRequest): boolean {
  if (request.type === 'vote' && request.isTransfer) return false;
  if (core.leader === core.id) return true; // it steps down by itself once it hears no majority
  return core.leader !== NOBODY && core.clock.isSticky;
}

/** Answers a request of the present term, or of any other if it is a `pre-vote`. */
export function answerVote(core: Core, request: PreVoteRequest | VoteRequest): void {
  const isGranted = mayGrant(core, request);
  const { from } = request;
  if (request.type === 'pre-vote') {
    // A granted one names the term asked for, so that it counts only for this question.
    const term = isGranted ? request.term : core.term;
    core.send({ type: 'pre-vote-reply', from: core.id, to: from, term, isGranted });
    return;
  }
  if (isGranted) {
    core.vote = from;
    core.clock.restart(core.rank);
  }
  core.send({ type: 'vote-reply', from: core.id, to: from, term: core.term, isGranted });
}

function mayGrant(core: Core, request: PreVoteRequest | VoteRequest): boolean {
  if (!core.log.isCoveredBy({ index: request.lastIndex, term: request.lastTerm })) return false;
  if (request.term < core.term) return false;
  if (request.type === 'pre-vote' && request.term > core.term) return true;
  return core.vote === request.from || (core.vote === NOBODY && core.leader === NOBODY);
}
