/**
 * Who gets the log, and who votes: the next change of the Raft configuration that the leader is to make, one at a time.
 *
 *     in the book, not in the log's configuration     learns
 *     gone from the book                              is taken out, the leader itself last
 *     a witness that learns                           votes
 *     nodes that learn and may vote                   vote, as long as that makes an odd number of voters,
 *                                                     three, or five where five or more nodes are up
 *
 * An even number would survive no more failures than one less, and a single voter that has only one other to share with
 * would then stop with either of the two.
 */
import type { Book } from '../../cluster/book.ts';
import { type Change, isMember, MEMBERS_MAX } from '../../raft/configuration.ts';
import type { Configuration, NodeId } from '../../raft/messages.ts';

const FEW_VOTERS = 3;
const MORE_VOTERS = 5;
/** Witnesses are asked for by name; still, each one makes every entry wait. */
const VOTERS_MAX = 7;

export interface MembershipView {
  readonly self: NodeId;
  readonly configuration: Configuration;
  readonly book: Book;
  /** Heard a moment ago, by Raft. */
  isHeard(id: NodeId): boolean;
  /** It has asked for a vote, and holds what is committed. */
  isReadyToVote(id: NodeId): boolean;
}

export function nextChange(view: MembershipView): Change | null {
  return removal(view) ?? addition(view) ?? promotion(view);
}

function removal({ self, configuration, book, isHeard }: MembershipView): Change | null {
  const { voters, learners } = configuration;
  const isGone = (id: NodeId): boolean => !book.members.some((member) => member?.id === id);
  const [learner] = learners.filter(isGone);
  if (learner !== undefined) return { kind: 'remove', id: learner };
  const gone = voters.filter(isGone);
  const voter = gone.find((id) => id !== self) ?? gone[0];
  if (voter === undefined) return null;
  const remaining = voters.filter((id) => id !== voter);
  const heard = remaining.filter((id) => id === self || isHeard(id));
  // Those who remain must be able to commit, and to go on, without the one that is taken out.
  return heard.length > remaining.length / 2 ? { kind: 'remove', id: voter } : null;
}

function addition({ configuration, book }: MembershipView): Change | null {
  if (configuration.voters.length + configuration.learners.length >= MEMBERS_MAX) return null;
  const member = book.members.find((one) => one !== null && !isMember(configuration, one.id));
  return member === null || member === undefined ? null : { kind: 'add-learner', id: member.id };
}

function promotion({ configuration, book, isHeard, isReadyToVote }: MembershipView): Change | null {
  const { voters, learners } = configuration;
  if (voters.length >= VOTERS_MAX) return null;
  const candidates = learners.filter((id) => isHeard(id) && isReadyToVote(id));
  const members = book.members.filter((member) => member !== null);
  const witness = members.find(({ id, role }) => role === 'witness' && candidates.includes(id));
  if (witness !== undefined) return { kind: 'add-voter', id: witness.id };
  const up = members.filter(({ health, role }) => health === 'up' && role === 'data');
  const wanted = Math.min(up.length >= MORE_VOTERS ? MORE_VOTERS : FEW_VOTERS, voters.length + candidates.length);
  const odd = wanted % 2 === 0 ? wanted - 1 : wanted;
  // The longest-lived first: they are the ones that will lead.
  const [first] = up.filter(({ id }) => candidates.includes(id)).sort((one, other) => one.joinedAt - other.joinedAt);
  return first !== undefined && voters.length < odd ? { kind: 'add-voter', id: first.id } : null;
}
