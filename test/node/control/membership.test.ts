/** Who gets the log and who votes: one change at a time. */
import test from 'ava';
import type { Book, BookMember } from '../../../src/cluster/book.ts';
import { type MembershipView, nextChange } from '../../../src/node/control/membership.ts';

interface Case {
  readonly voters: readonly number[];
  readonly learners?: readonly number[];
  /** Ids in the book; negative: down; from 100 on: witnesses. */
  readonly book: readonly number[];
  readonly wishes?: readonly number[];
  readonly silent?: readonly number[];
}

function memberOf(number: number, slot: number): BookMember {
  const id = Math.abs(number);
  return {
    slot,
    id,
    incarnation: '00'.repeat(8),
    former: '',
    address: `n${id}:1`,
    zone: '',
    role: id >= 100 ? 'witness' : 'data',
    joinedAt: id,
    health: number < 0 ? 'down' : 'up',
    failuresMs: [],
  };
}

function changeOf({ voters, learners = [], book, wishes = [], silent = [] }: Case): string {
  const view: MembershipView = {
    self: 1,
    configuration: { voters, learners },
    book: { members: book.map(memberOf) } as unknown as Book,
    isHeard: (id) => !silent.includes(id),
    isReadyToVote: (id) => wishes.includes(id),
  };
  const change = nextChange(view);
  return change === null ? 'none' : `${change.kind} ${change.id}`;
}

test('who is in the book and not in the configuration learns', (t) => {
  t.is(changeOf({ voters: [1, 2, 3], book: [1, 2, 3, 4] }), 'add-learner 4');
  t.is(changeOf({ voters: [1, 2, 3], learners: [4], book: [1, 2, 3, 4] }), 'none');
});

test('who is gone from the book is taken out: learners first, the leader last', (t) => {
  t.is(changeOf({ voters: [1, 2, 3], learners: [4], book: [1, 2] }), 'remove 4');
  t.is(changeOf({ voters: [1, 2, 3], book: [2] }), 'remove 2'.replace('2', '3'));
  t.is(changeOf({ voters: [1, 2], book: [2] }), 'remove 1');
});

test('a voter is not taken out where those who remain could not commit', (t) => {
  t.is(changeOf({ voters: [1, 2, 3], book: [1, 2], silent: [2] }), 'none');
  t.is(changeOf({ voters: [1, 2, 3], book: [1, 2], silent: [3] }), 'remove 3');
});

test('learners that want it vote, as long as their number is odd', (t) => {
  t.is(changeOf({ voters: [1], learners: [2], book: [1, 2], wishes: [2] }), 'none');
  t.is(changeOf({ voters: [1], learners: [2, 3], book: [1, 2, 3], wishes: [2, 3] }), 'add-voter 2');
  t.is(changeOf({ voters: [1, 2], learners: [3], book: [1, 2, 3], wishes: [3] }), 'add-voter 3');
  t.is(changeOf({ voters: [1, 2], learners: [3], book: [1, 2, 3], wishes: [] }), 'none');
  t.is(changeOf({ voters: [1, 2, 3], learners: [4], book: [1, 2, 3, 4], wishes: [4] }), 'none');
  const five = { learners: [4, 5], book: [1, 2, 3, 4, 5], wishes: [4, 5] };
  t.is(changeOf({ voters: [1, 2, 3], ...five }), 'add-voter 4');
  t.is(changeOf({ voters: [1, 2, 3], ...five, book: [1, 2, 3, 4, -5] }), 'none');
});

test('a learner that is down, or silent, gets no vote', (t) => {
  t.is(changeOf({ voters: [1, 2], learners: [3], book: [1, 2, -3], wishes: [3] }), 'none');
  t.is(changeOf({ voters: [1, 2], learners: [3], book: [1, 2, 3], wishes: [3], silent: [3] }), 'none');
});

test('a witness votes in any case', (t) => {
  t.is(changeOf({ voters: [1, 2, 3], learners: [100], book: [1, 2, 3, 100], wishes: [100] }), 'add-voter 100');
  const seven = [1, 2, 3, 4, 5, 6, 7];
  t.is(changeOf({ voters: seven, learners: [100], book: [...seven, 100], wishes: [100] }), 'none');
});
