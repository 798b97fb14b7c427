import test from 'ava';
import { InSyncKeeper } from '../../src/node/in-sync-keeper.ts';
import { withMember } from '../helpers/books.ts';
import { EPOCH, PARTITION } from './support/partition.ts';
import { ReignSubject } from './support/reign.ts';
import { TestSession } from './support/session.ts';

function subject(options: { readonly others?: number; readonly min?: number } = {}): {
  reign: ReignSubject;
  keeper: InSyncKeeper;
} {
  const reign = new ReignSubject(options);
  return { reign, keeper: new InSyncKeeper(reign) };
}

/** As the primary of slot 0 proposes it now. */
function proposal(reign: ReignSubject, kind: 'shrink' | 'expand', ...slots: number[]): object {
  const members = slots.map((slot) => ({ slot, incarnation: reign.book.members[slot]?.incarnation }));
  return { kind, partition: PARTITION, version: reign.entry.version, epoch: EPOCH, by: 0, members };
}

test('nothing is proposed while everybody is there', (t) => {
  const { reign, keeper } = subject();
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  t.false(keeper.isProposing(PARTITION));
});

test('R18: a member that is silent is proposed to leave, and waited for until the book has it', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 2)]);
  t.true(reign.world.follower(1).mustHold);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  t.true(keeper.isProposing(PARTITION));
  reign.change({ isr: [0, 1] });
  keeper.tick();
  t.false(keeper.isProposing(PARTITION));
  t.deepEqual(reign.takeProposed(), []);
});

test('R18: a link that broke just now is given time to come back', (t) => {
  const { reign, keeper } = subject();
  reign.cut(2);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  reign.world.nowMs += 601;
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 2)]);
});

test('R18: a member whose liveness thread tells of a stall is waited for, but not for ever', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  reign.peer(2).stalledUntilMs = reign.nowMs + 60_000;
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  reign.world.nowMs += 10_000;
  keeper.tick();
  t.is(reign.takeProposed().length, 1);
});

test('R3: another life than the book names is no member, but the book is given time to know it', (t) => {
  const { reign, keeper } = subject();
  reign.peer(2).isNamed = false;
  reign.peer(2).lostAtMs = reign.nowMs;
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  reign.world.nowMs += 601;
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 2)]);
});

test('R18: it does not fall below min on its own, but reports whom it cannot reach', (t) => {
  const { reign, keeper } = subject();
  reign.change({ isr: [0, 1] });
  reign.silence(1);
  reign.silence(2);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  t.deepEqual(reign.reports, [[1, 2]]);
  keeper.tick();
  t.is(reign.reports.length, 1);
  reign.world.nowMs += 401;
  keeper.tick();
  t.is(reign.reports.length, 2);
});

test('a proposal of which nothing is heard is made again, the same one', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  keeper.tick();
  const [first] = reign.takeProposed();
  reign.world.nowMs += 401;
  reign.silence(1);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [first]);
});

test('R18: who is back before the book goes on without it is not to go: the version is moved on instead', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  keeper.tick();
  reign.takeProposed();
  reign.peer(2).state = 'up';
  reign.world.nowMs += 401;
  keeper.tick();
  const { version } = reign.entry;
  t.deepEqual(reign.takeProposed(), [{ kind: 'touch', partition: PARTITION, version }]);
  t.true(keeper.isProposing(PARTITION), 'the first proposal may have arrived all the same');
  reign.change({});
  keeper.tick();
  t.false(keeper.isProposing(PARTITION));
  t.deepEqual(reign.takeProposed(), []);
});

test('R18: of two that were to go one is back: the other is proposed alone', (t) => {
  const { reign, keeper } = subject({ others: 3 });
  reign.silence(1);
  reign.silence(2);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 1, 2)]);
  reign.peer(1).state = 'up';
  reign.world.nowMs += 401;
  keeper.tick();
  t.is(reign.takeProposed()[0]?.kind, 'touch');
  reign.change({});
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 2)]);
});

test('R1: a proposal ends when the book has passed the version it named, whatever came of it', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  keeper.tick();
  reign.takeProposed();
  reign.change({});
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'shrink', 2)]);
});

/** Slot 2 is not in sync, and has everything. */
function withCandidate(): { reign: ReignSubject; keeper: InSyncKeeper } {
  const { reign, keeper } = subject();
  reign.change({ isr: [0, 1] });
  return { reign, keeper };
}

test('R19: who has caught up in this epoch is proposed, and has to hold everything and grant its lease from then on', (t) => {
  const { reign, keeper } = withCandidate();
  reign.primary.lease.needs([1]);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'expand', 2)]);
  t.true(reign.world.follower(1).proposed);
  t.deepEqual(reign.primary.lease.grantors, [1, 2]);
});

test('R19: the life that was measured is named', (t) => {
  const { reign, keeper } = withCandidate();
  reign.book = withMember(reign.book, 2, { incarnation: 'feedfeedfeedfeed' });
  keeper.tick();
  t.like(reign.takeProposed()[0], { members: [{ slot: 2, incarnation: 'feedfeedfeedfeed' }] });
});

test('R19: nobody is proposed who lacks something that is committed', (t) => {
  const { reign, keeper } = withCandidate();
  const candidate = reign.world.follower(1);
  new TestSession(reign.world);
  candidate.match = reign.primary.primary.commit - 1;
  t.true(candidate.match > reign.primary.primary.barrier);
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  candidate.match += 1;
  keeper.tick();
  t.is(reign.takeProposed().length, 1);
});

test('R19: nobody is proposed who was not heard in this epoch, or is behind its barrier', (t) => {
  const { reign, keeper } = withCandidate();
  const candidate = reign.world.follower(1);
  const { match } = candidate;
  reign.primary.primary.resend(candidate);
  candidate.state = 0;
  keeper.tick();
  candidate.state = 1;
  candidate.match = reign.primary.primary.barrier;
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
  candidate.match = match;
  keeper.tick();
  t.is(reign.takeProposed().length, 1);
});

test('nobody is proposed who is not there, or whom placement does not want', (t) => {
  const { reign, keeper } = withCandidate();
  reign.silence(2);
  keeper.tick();
  reign.peer(2).state = 'up';
  reign.peer(2).isNamed = false;
  keeper.tick();
  reign.peer(2).isNamed = true;
  reign.change({ isr: [0, 1], target: [0, 1] });
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
});

test('R8: who is eligible is let in again, wanted by placement or not', (t) => {
  const { reign, keeper } = subject();
  reign.change({ isr: [0], eligible: [1], target: [0, 2] });
  reign.peer(2).state = 'silent';
  keeper.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 'expand', 1)]);
});

test('while the partition is handed over its in-sync set is left alone', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  reign.primary.closedFor = 'it is being handed over';
  keeper.tick();
  t.deepEqual(reign.takeProposed(), []);
});

test('with the end of the reign its proposals are nothing any more', (t) => {
  const { reign, keeper } = subject();
  reign.silence(2);
  keeper.tick();
  reign.primary.end();
  keeper.tick();
  t.false(keeper.isProposing(PARTITION));
});
