/**
 * The rules of the Raft paper (Ongaro & Ousterhout 2014) and of Ongaro's thesis, a test each, named by section, tried on
 * one node that is told what it hears.
 */
import test from 'ava';
import { EntryKind } from '../../src/raft/messages.ts';
import { append, between, entriesOf, entry, heartbeat, preVote, Single, show, vote } from './support/messages.ts';

const five = { voters: [1, 2, 3, 4, 5], learners: [] };

test('paper 5.1: a higher term makes any role a follower of that term', (t) => {
  for (const role of ['follower', 'candidate', 'leader']) {
    const node = new Single();
    if (role === 'leader') node.elect();
    if (role === 'candidate') node.wait(700);
    node.step({ ...between(2, 9), type: 'append-reply', isRejected: true, index: 0, hintIndex: 0, hintTerm: 0 });
    t.is(node.status.role, 'follower');
    t.is(node.status.term, 9);
  }
});

test('paper 5.1: a request of a former term is refused, and the answer tells the present one', (t) => {
  const node = new Single({ term: 5 });
  t.deepEqual(node.step(vote(2, 4)).map(show), ['1→2 vote-reply term 5 refused']);
  t.deepEqual(node.step(append(2, 4)).map(show), ['1→2 append-reply term 5 not after 0, perhaps 0/0']);
  t.is(node.status.leader, 0);
});

test('paper 5.1: an answer of a former term is ignored', (t) => {
  const node = new Single();
  node.elect();
  const { commit, term } = node.status;
  node.step({ ...between(2, term - 1), type: 'append-reply', isRejected: false, index: 1, hintIndex: 0, hintTerm: 0 });
  t.is(node.status.commit, commit);
});

test('paper 5.2: a node starts as a follower', (t) => {
  t.is(new Single({ term: 3, vote: 1 }).status.role, 'follower');
});

test('paper 5.2: a follower that hears no leader for its time-out stands for election', (t) => {
  const node = new Single();
  node.wait(599);
  t.is(node.status.role, 'follower');
  t.deepEqual(node.wait(1).map(show), ['1→2 pre-vote term 1 last 0/0', '1→3 pre-vote term 1 last 0/0']);
});

test('paper 5.2: heartbeats keep a follower a follower', (t) => {
  const node = new Single({ term: 1 });
  for (let beat = 0; beat < 30; beat += 1) {
    node.step(heartbeat(2, 1));
    node.wait(100);
  }
  t.is(node.status.role, 'follower');
});

test('paper 5.2: the leader sends heartbeats every 100 ms', (t) => {
  const node = new Single();
  node.elect();
  node.step({ ...between(2, 1), type: 'heartbeat-reply', round: 1 });
  node.sent.length = 0;
  node.wait(300);
  t.is(node.sent.filter(({ type, to }) => type === 'heartbeat' && to === 3).length, 3);
});

test('paper 5.2: a candidate enters a new term, votes for itself and asks all others', (t) => {
  const node = new Single({ term: 2 });
  node.wait(600);
  const asked = node.step({ ...between(2, 3), type: 'pre-vote-reply', isGranted: true });
  t.deepEqual(asked.map(show), ['1→2 vote term 3 last 0/0', '1→3 vote term 3 last 0/0']);
  t.deepEqual(node.readies.at(-1)?.hardState, { term: 3, vote: 1, commit: 0 });
});

test('paper 5.2: a majority of votes makes a leader, less does not', (t) => {
  for (const [granted, refused, role] of [
    [[2, 3], [], 'leader'],
    [[2, 3], [4, 5], 'leader'],
    [[2], [], 'candidate'],
    [[2], [3], 'candidate'],
    [[], [2, 3, 4], 'follower'],
    [[2, 2, 2], [], 'candidate'],
  ] as const) {
    const node = new Single({ members: five });
    node.wait(600);
    for (const from of [2, 3]) node.step({ ...between(from, 1), type: 'pre-vote-reply', isGranted: true });
    t.is(node.status.role, 'candidate');
    for (const from of granted) node.step({ ...between(from, 1), type: 'vote-reply', isGranted: true });
    for (const from of refused) node.step({ ...between(from, 1), type: 'vote-reply', isGranted: false });
    t.is(node.status.role, role);
  }
});

test('paper 5.2: one vote per term, to the first that asks, again if it asks again', (t) => {
  for (const [voted, asks, isGranted] of [
    [0, 2, true],
    [0, 3, true],
    [2, 2, true],
    [3, 3, true],
    [2, 3, false],
    [3, 2, false],
  ] as const) {
    const node = new Single({ term: 1, vote: voted });
    t.deepEqual(node.step(vote(asks, 1)).map(show), [
      `1→${asks} vote-reply term 1 ${isGranted ? 'granted' : 'refused'}`,
    ]);
  }
});

test('paper 5.2, figure 2: term and vote are in the Ready that carries the vote', (t) => {
  const node = new Single();
  node.raft.step(vote(2, 4), 0);
  const ready = node.raft.ready();
  t.deepEqual(ready?.hardState, { term: 4, vote: 2, commit: 0 });
  t.is(ready?.messages.length, 1);
});

test('paper 5.2: a candidate that hears the leader of its term follows it', (t) => {
  for (const message of [append(2, 1), heartbeat(2, 1)]) {
    const node = new Single({ members: five });
    node.wait(600);
    for (const from of [2, 3]) node.step({ ...between(from, 1), type: 'pre-vote-reply', isGranted: true });
    t.is(node.status.role, 'candidate');
    node.step(message);
    t.is(node.status.role, 'follower');
    t.is(node.status.leader, 2);
    t.is(node.status.term, 1);
  }
});

test('paper 5.2: two leaders of one term are a bug, and crash', (t) => {
  const node = new Single();
  node.elect();
  t.throws(() => node.step(heartbeat(2, node.status.term)), { message: /two leaders/ });
});

test('paper 5.3: a proposal is appended and sent to all; committed once a majority holds it', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  node.acknowledge(3);
  node.sent.length = 0;
  t.is(node.propose('a'), '2/1');
  t.deepEqual(node.sent.map(show), [
    '1→2 append term 1 after 1/1 [2/1 "a"] commit 1',
    '1→3 append term 1 after 1/1 [2/1 "a"] commit 1',
  ]);
  t.is(node.status.commit, 1);
  node.acknowledge(3);
  t.is(node.status.commit, 2);
  t.deepEqual(
    node.applied.map(({ index }) => index),
    [1, 2],
  );
});

test('paper 5.3: how many must hold an entry, by the size of the group', (t) => {
  for (const [size, acknowledged, isCommitted] of [
    [1, [], true],
    [2, [], false],
    [2, [2], true],
    [3, [], false],
    [3, [2], true],
    [4, [2], false],
    [4, [2, 3], true],
    [5, [2], false],
    [5, [2, 4], true],
  ] as const) {
    const voters = Array.from({ length: size }, (_, place) => place + 1);
    const node = new Single({ members: { voters, learners: [] } });
    node.elect();
    for (const from of acknowledged) node.acknowledge(from);
    t.is(node.status.commit, isCommitted ? 1 : 0, `${size} nodes, ${acknowledged.length} acknowledged`);
  }
});

test('paper 5.3: committing commits all entries before, those of former leaders too', (t) => {
  for (const terms of [[], [2], [1, 2], [1, 1, 2]]) {
    const node = new Single({ terms, term: 2 });
    node.elect();
    node.acknowledge(2, terms.length + 1);
    t.deepEqual(
      node.applied.map(({ term }) => term),
      [...terms, 3],
    );
  }
});

test('paper 5.3: a follower applies what the leader says is committed, in order', (t) => {
  const node = new Single({ term: 1 });
  node.step(append(2, 1, { entries: entriesOf([1, 1, 1]), commit: 1 }));
  t.deepEqual(
    node.applied.map(({ index }) => index),
    [1],
  );
  node.step(heartbeat(2, 1, 3));
  t.deepEqual(
    node.applied.map(({ index }) => index),
    [1, 2, 3],
  );
});

test('paper 5.3: an append is refused unless its predecessor is there; the hint names where the logs may agree', (t) => {
  for (const [previous, answer] of [
    [[0, 0], 'holds 0'],
    [[1, 1], 'holds 1'],
    [[2, 2], 'holds 2'],
    [[1, 2], 'not after 1, perhaps 1/1'],
    [[2, 1], 'not after 2, perhaps 1/1'],
    [[3, 3], 'not after 3, perhaps 2/2'],
  ] as const) {
    const node = new Single({ terms: [1, 2] });
    t.deepEqual(node.step(append(2, 3, { previous })).map(show), [`1→2 append-reply term 3 ${answer}`]);
  }
});

test('paper 5.3: conflicting entries give way to those of the leader, equal ones stay', (t) => {
  for (const [previous, entries, log, written] of [
    [[2, 2], [entry(3, 3)], [1, 2, 3], [3]],
    [
      [1, 1],
      [entry(2, 3), entry(3, 4)],
      [1, 3, 4],
      [2, 3],
    ],
    [[0, 0], [entry(1, 1)], [1, 2], []],
    [[0, 0], [entry(1, 3)], [3], [1]],
  ] as const) {
    const node = new Single({ terms: [1, 2] });
    node.step(append(2, 4, { previous, entries }));
    t.is(node.status.lastIndex, log.length);
    const persisted = node.readies.flatMap((ready) => ready.entries.map(({ index }) => index));
    t.deepEqual(persisted, [...written]);
  }
});

test('paper 5.3, figure 2: a follower commits no further than the last entry it knows to be equal', (t) => {
  const node = new Single({ terms: [1, 1, 1] });
  node.step(append(2, 2, { previous: [1, 1], commit: 3 }));
  t.is(node.status.commit, 1);
});

test('paper 5.3: the leader walks back over a conflict, a term at a time', (t) => {
  const node = new Single({ terms: [1, 1, 1, 4, 4, 5, 5, 6, 6] });
  node.elect();
  // Figure 7 (f): the follower has entries of terms 2 and 3 that nobody else has.
  const answer = {
    ...between(2, 7),
    type: 'append-reply',
    isRejected: true,
    index: 9,
    hintIndex: 9,
    hintTerm: 3,
  } as const;
  t.is(
    show(node.step(answer)[0] as never),
    '1→2 append term 7 after 3/1 [4/4, 5/4, 6/5, 7/5, 8/6, 9/6, 10/7 nothing] commit 0',
  );
});

test('paper 5.3: figure 7: whatever a follower has, it ends with the log of the leader', (t) => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  for (const terms of [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ]) {
    const leader = new Single({ terms: leaderTerms, term: 7 });
    const follower = new Single({ id: 2, terms, term: 7 });
    let toFollower = leader.elect();
    for (let round = 0; round < 20 && toFollower.length > 0; round += 1) {
      const answers = toFollower.filter(({ to }) => to === 2).flatMap((message) => follower.step(message));
      toFollower = answers
        .filter(({ to, type }) => to === 1 && type === 'append-reply')
        .flatMap((answer) => leader.step(answer));
    }
    t.is(follower.status.lastIndex, 11);
    t.is(follower.status.commit, leader.status.commit);
    t.is(leader.status.commit, 11);
  }
});

test('paper 5.4.1: a vote goes to a log that holds at least what the own log holds', (t) => {
  for (const [terms, lastIndex, lastTerm, isGranted] of [
    [[1], 1, 1, true],
    [[1], 2, 1, true],
    [[1, 1], 1, 1, false],
    [[1], 1, 2, true],
    [[1, 1], 1, 2, true],
    [[2], 2, 1, false],
    [[1, 2], 5, 1, false],
  ] as const) {
    const node = new Single({ terms, term: 3 });
    const [answer] = node.step(vote(2, 4, lastIndex, lastTerm));
    t.is(show(answer as never), `1→2 vote-reply term 4 ${isGranted ? 'granted' : 'refused'}`);
    const [before] = new Single({ terms, term: 3 }).step(preVote(2, 4, lastIndex, lastTerm));
    t.is(show(before as never), `1→2 pre-vote-reply term ${isGranted ? 4 : 3} ${isGranted ? 'granted' : 'refused'}`);
  }
});

test('paper 5.4.2: entries of former terms are not committed by counting them', (t) => {
  for (const [index, commit] of [
    [1, 0],
    [2, 0],
    [3, 3],
  ] as const) {
    const node = new Single({ terms: [1, 2], term: 2 });
    node.elect();
    node.acknowledge(2, index);
    t.is(node.status.commit, commit);
  }
});

test('paper 5.6, 9.3: time-outs grow with seniority, the present leader not counted', (t) => {
  // 1 is the oldest, 3 the youngest; 2 leads.
  const first = new Single({ term: 1 });
  const second = new Single({ id: 3, term: 1 });
  for (const node of [first, second]) {
    node.step({ ...heartbeat(2, 1), to: node === first ? 1 : 3 });
    node.wait(599);
    t.is(node.status.role, 'follower');
    node.wait(1);
  }
  t.is(first.status.role, 'pre-candidate');
  t.is(second.status.role, 'follower');
  second.wait(100);
  t.is(second.status.role, 'pre-candidate');
});

test('paper 7: a follower takes a snapshot that reaches beyond its log, and drops the log', (t) => {
  const node = new Single({ terms: [1, 1] });
  const snapshot = { index: 10, term: 2, configuration: five, data: Uint8Array.of(7) };
  t.deepEqual(node.step({ ...between(2, 3), type: 'snapshot', snapshot }).map(show), [
    '1→2 append-reply term 3 holds 10',
  ]);
  t.is(node.status.lastIndex, 10);
  t.deepEqual(node.raft.configuration, five);
  t.like(node.readies.at(-1), { snapshot, isInstalled: true, entries: [] });
});

test('paper 7: a snapshot of what the log has already only moves the commit index', (t) => {
  const node = new Single({ terms: [1, 1, 1] });
  const snapshot = { index: 2, term: 1, configuration: five, data: Uint8Array.of(7) };
  t.deepEqual(node.step({ ...between(2, 1), type: 'snapshot', snapshot }).map(show), [
    '1→2 append-reply term 1 holds 2',
  ]);
  t.is(node.status.lastIndex, 3);
  t.is(node.status.commit, 2);
  t.true(node.readies.every(({ isInstalled }) => !isInstalled));
});

test('paper 7: a follower that needs entries no longer there gets the snapshot', (t) => {
  const node = new Single({ settings: { keptEntries: 0 } });
  node.elect();
  for (const text of ['a', 'b', 'c']) node.propose(text);
  node.acknowledge(2);
  t.true(node.raft.compact(Uint8Array.of(1, 2, 3)));
  node.turn();
  const rejected = {
    ...between(3, 1),
    type: 'append-reply',
    isRejected: true,
    index: 0,
    hintIndex: 0,
    hintTerm: 0,
  } as const;
  node.sent.length = 0;
  node.step(rejected); // overtaken: the probe goes on from where it was
  node.wait(100);
  node.step({ ...between(3, 1), type: 'heartbeat-reply', round: 2 });
  t.true(node.sent.map(show).includes('1→3 snapshot term 1 up to 4/1'));
  // While it is under way nothing else is sent, and after it the log goes on.
  node.sent.length = 0;
  node.propose('d');
  t.deepEqual(
    node.sent.filter(({ to }) => to === 3),
    [],
  );
  t.deepEqual(node.acknowledge(3, 4).map(show), ['1→3 append term 1 after 4/1 [5/1 "d"] commit 4']);
});

test('paper 8: a leader begins its term with an entry of its own', (t) => {
  const node = new Single({ terms: [1, 1] });
  node.elect();
  const last = node.readies.flatMap(({ entries }) => entries).at(-1);
  t.like(last, { index: 3, term: 2, kind: EntryKind.nothing });
});

test('thesis 3.10: leadership is handed over: no proposals, catch up, then time-out-now', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(3);
  t.is(node.raft.transfer(2, node.nowMs), null);
  t.is(node.propose('a'), 'transferring');
  t.true(node.acknowledge(2).map(show).includes('1→2 time-out-now term 1'));
  // It gives up after an election time-out, and takes proposals again.
  for (let beat = 0; beat < 6; beat += 1) {
    node.wait(100);
    node.step({ ...between(3, 1), type: 'heartbeat-reply', round: 2 + beat });
  }
  t.is(node.propose('a'), '2/1');
});

test('thesis 3.10: who is told to stand stands at once, and may disturb the leader that is still heard', (t) => {
  const node = new Single({ term: 1 });
  node.step(heartbeat(2, 1));
  const sent = node.step({ ...between(2, 1), type: 'time-out-now' });
  t.deepEqual(sent.map(show), ['1→2 vote term 2 last 0/0 transfer', '1→3 vote term 2 last 0/0 transfer']);
  const other = new Single({ term: 1 });
  other.step(heartbeat(2, 1));
  t.deepEqual(other.step(vote(3, 2, 0, 0, true)).map(show), ['1→3 vote-reply term 2 granted']);
});

test('thesis 3.10: only the leader may tell a follower to stand', (t) => {
  const node = new Single({ term: 1 });
  node.step(heartbeat(2, 1));
  t.deepEqual(node.step({ ...between(3, 1), type: 'time-out-now' }), []);
  t.is(node.status.role, 'follower');
});

test('thesis 4.1: a configuration counts from the moment it is in the log', (t) => {
  const node = new Single({ term: 1 });
  const bytes = Uint8Array.of(2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0);
  const changed = { index: 1, term: 1, kind: EntryKind.configuration, data: bytes };
  node.step(append(2, 1, { entries: [changed] }));
  t.deepEqual(node.raft.configuration, { voters: [1, 2], learners: [] });
  // And ceases to count with it.
  node.step(append(3, 2, { entries: [entry(1, 2)] }));
  t.deepEqual(node.raft.configuration, { voters: [1, 2, 3], learners: [] });
});

test('thesis 4.1: one change of members at a time', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  t.is(node.change('add-learner', 4), '2/1');
  t.is(node.change('add-learner', 5), 'change-pending');
  node.acknowledge(2);
  t.is(node.change('add-learner', 5), '3/1');
});

test('correction of 2015: no change of members before an entry of the own term is committed', (t) => {
  const node = new Single({ terms: [1] });
  node.elect();
  t.is(node.change('remove', 3), 'term-not-committed');
  node.acknowledge(2);
  t.is(node.change('remove', 3), '3/2');
});

test('thesis 4.2.1: learners get the log and have no vote; a vote only when they have caught up', (t) => {
  const node = new Single({ members: { voters: [1, 2, 3], learners: [4] } });
  node.elect();
  node.acknowledge(4);
  t.is(node.status.commit, 0);
  node.acknowledge(2);
  t.is(node.status.commit, 1);
  t.is(node.change('add-voter', 5), 'no-change');
  node.propose('a');
  node.acknowledge(2);
  t.is(node.change('add-voter', 4), 'not-caught-up');
  node.acknowledge(4);
  t.is(node.change('add-voter', 4), '3/1');
  t.deepEqual(node.raft.configuration, { voters: [1, 2, 3, 4], learners: [] });
  const learner = new Single({ id: 4, members: { voters: [1, 2, 3], learners: [4] } });
  learner.wait(5000);
  t.is(learner.status.role, 'follower');
});

test('thesis 4.2.2: a leader that removed itself leads until that is committed, its own copy not counted', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  node.acknowledge(3);
  t.is(node.change('remove', 1), '2/1');
  node.acknowledge(2);
  t.is(node.status.role, 'leader');
  t.is(node.status.commit, 1);
  const sent = node.acknowledge(3);
  t.is(node.status.role, 'follower');
  t.is(node.status.commit, 2);
  t.is(show(sent.at(-1) as never), '1→2 time-out-now term 1');
});

test('thesis 4.2.3: who hears a leader ignores requests for votes, their term included', (t) => {
  const node = new Single({ term: 1 });
  node.step(heartbeat(2, 1));
  node.wait(490);
  t.deepEqual(node.step(vote(3, 9)), []);
  t.deepEqual(node.step(preVote(3, 9)), []);
  t.is(node.status.term, 1);
  node.wait(10);
  t.deepEqual(node.step(preVote(3, 2)).map(show), ['1→3 pre-vote-reply term 2 granted']);
  t.deepEqual(node.step(vote(3, 2)).map(show), ['1→3 vote-reply term 2 granted']);
});

test('thesis 4.2.3: a leader that hears a majority ignores requests for votes', (t) => {
  const node = new Single();
  node.elect();
  t.deepEqual(node.step(vote(3, 9)), []);
  t.is(node.status.role, 'leader');
});

test('thesis 6.2: a leader that hears no majority for an election time-out steps down', (t) => {
  const node = new Single();
  node.elect();
  node.wait(500);
  t.is(node.status.role, 'leader');
  node.wait(200);
  t.is(node.status.role, 'follower');
  t.is(node.status.term, 1);
});

test('thesis 6.4: a read is answered at the commit index of its arrival, after a round sent since', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  node.step({ ...between(2, 1), type: 'heartbeat-reply', round: 1 });
  t.is(node.raft.readIndex(7, node.nowMs), null);
  const [asked] = node.turn();
  t.is(show(asked as never), '1→2 heartbeat term 1 commit 1 round 2');
  node.step({ ...between(2, 1), type: 'heartbeat-reply', round: 1 }); // sent before the read
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [],
  );
  node.propose('later');
  node.step({ ...between(3, 1), type: 'heartbeat-reply', round: 2 });
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [{ id: 7, index: 1 }],
  );
});

test('thesis 6.4: before the first entry of the term is committed, reads wait', (t) => {
  const node = new Single({ terms: [1] });
  node.elect();
  t.is(node.raft.readIndex(7, node.nowMs), null);
  node.turn();
  node.step({ ...between(2, 2), type: 'heartbeat-reply', round: 1 });
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [],
  );
  node.acknowledge(2);
  node.step({ ...between(2, 2), type: 'heartbeat-reply', round: 2 });
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [{ id: 7, index: 2 }],
  );
});

test('thesis 6.4: reads that wait are given back when leadership is lost', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  t.is(node.raft.readIndex(7, node.nowMs), null);
  node.turn();
  node.step(heartbeat(2, 5));
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [{ id: 7, index: null }],
  );
});

test('thesis 6.4: a follower asks the leader, and says so when it knows none', (t) => {
  const node = new Single({ term: 1 });
  t.is(node.raft.readIndex(7, 0), 'no-leader');
  node.step(heartbeat(2, 1));
  t.is(node.raft.readIndex(7, 0), null);
  t.deepEqual(node.turn().map(show), ['1→2 read-request term 1 read 7']);
  node.step({ ...between(2, 1), type: 'read-reply', id: 7, index: 12 });
  t.deepEqual(
    node.readies.flatMap(({ reads }) => reads),
    [{ id: 7, index: 12 }],
  );
});

test('thesis 9.6: a pre-candidate enters no term and is granted none of another', (t) => {
  const node = new Single({ term: 4 });
  node.wait(600);
  t.is(node.status.term, 4);
  node.step({ ...between(2, 9), type: 'pre-vote-reply', isGranted: true });
  t.is(node.status.role, 'pre-candidate');
  node.step({ ...between(2, 5), type: 'pre-vote-reply', isGranted: true });
  t.is(node.status.role, 'candidate');
  t.is(node.status.term, 5);
});

test('thesis 9.6: granting a pre-vote is no vote and moves no clock', (t) => {
  const node = new Single({ term: 1 });
  node.wait(550);
  node.step(preVote(2, 2));
  node.step(preVote(3, 2));
  t.is(node.sent.filter((message) => message.type === 'pre-vote-reply' && message.isGranted).length, 2);
  t.is(node.status.term, 1);
  node.wait(50);
  t.is(node.status.role, 'pre-candidate');
});

test('thesis 10.2.1: the leader counts itself only when its own disk has the entry', (t) => {
  const node = new Single({ members: { voters: [1], learners: [] } });
  node.elect();
  node.raft.propose(Uint8Array.of(1), node.nowMs);
  const ready = node.raft.ready();
  t.is(ready?.entries.length, 1);
  t.is(node.status.commit, 1);
  node.raft.advance();
  t.is(node.status.commit, 2);
});
