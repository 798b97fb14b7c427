/** What the shared design adds to the paper: bounds on everything, and processes that pause. */
import test from 'ava';
import { between, entryText, heartbeat, Single, show } from './support/messages.ts';

test('appends in flight are bounded in number', (t) => {
  const node = new Single({ settings: { inFlightMessagesMax: 3 } });
  node.elect();
  node.acknowledge(2);
  node.sent.length = 0;
  for (let count = 0; count < 10; count += 1) node.propose('x');
  t.is(node.sent.filter(({ type, to }) => type === 'append' && to === 2).length, 3);
  t.is(node.raft.progress.get(2)?.inFlight.count, 3);
  node.acknowledge(2, 2);
  t.is(node.raft.progress.get(2)?.inFlight.count, 3);
});

test('appends in flight are bounded in bytes', (t) => {
  const node = new Single({ settings: { inFlightBytesMax: 500 } });
  node.elect();
  node.acknowledge(2);
  for (let count = 0; count < 10; count += 1) node.propose('x'.repeat(200));
  t.is(node.raft.progress.get(2)?.inFlight.count, 2);
});

test('one append is bounded in bytes, but holds at least one entry', (t) => {
  const node = new Single({ settings: { messageBytesMax: 300 } });
  node.elect();
  for (const length of [100, 100, 1000, 10]) node.propose('x'.repeat(length));
  node.sent.length = 0;
  node.acknowledge(2, 1);
  const sizes = node.sent.map((message) => (message.type === 'append' ? message.entries.length : 0));
  t.deepEqual(sizes, [1, 1, 1, 1]);
});

test('proposals of one turn leave in one append', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  for (const byte of [1, 2, 3]) node.raft.propose(Uint8Array.of(byte), node.nowMs);
  const appends = node.turn().filter(({ to }) => to === 2);
  t.is(appends.length, 1);
  t.is(appends[0]?.type === 'append' && appends[0].entries.length, 3);
});

test('what is uncommitted is bounded, and so is one proposal and the whole log', (t) => {
  const node = new Single({
    settings: { entryBytesMax: 100, uncommittedBytesMax: 300, logBytesMax: 1000, compactBytes: 900 },
  });
  node.elect();
  node.acknowledge(2);
  t.is(node.propose('x'.repeat(101)), 'too-large');
  t.is(node.propose('x'.repeat(100)), '2/1');
  t.is(node.propose('x'.repeat(100)), '3/1');
  t.is(node.propose('x'.repeat(100)), 'full');
  node.acknowledge(2);
  t.is(node.propose('x'.repeat(100)), '4/1');
  for (let left = 3; left > 0; left -= 1) {
    node.acknowledge(2);
    node.propose('x'.repeat(100));
  }
  node.acknowledge(2);
  t.is(node.propose('x'.repeat(100)), 'full');
  t.true(node.raft.wantsSnapshot);
  t.true(node.raft.compact(new Uint8Array(0)));
  node.turn();
  t.is(node.propose('x'.repeat(100)), '8/1');
});

test('reads that wait are bounded', (t) => {
  const node = new Single({ settings: { readsMax: 2 } });
  node.elect();
  t.deepEqual(
    [1, 2, 3].map((id) => node.raft.readIndex(id, node.nowMs)),
    [null, null, 'full'],
  );
});

test('messages that wait for the disk are bounded', (t) => {
  const node = new Single({ term: 1, settings: { outboxMax: 5 } });
  for (let round = 0; round < 20; round += 1) node.raft.step(heartbeat(2, 1, 0, round), 0);
  t.is(node.turn().length, 5);
});

test('while a Ready is out there is no other, and nothing is lost meanwhile', (t) => {
  const node = new Single();
  node.raft.step(heartbeat(2, 1), 0);
  t.not(node.raft.ready(), null);
  node.raft.step(heartbeat(2, 1, 0, 2), 0);
  t.is(node.raft.ready(), null);
  node.raft.advance();
  t.deepEqual(node.raft.ready()?.messages.map(show), ['1→2 heartbeat-reply term 1 round 2']);
});

test('a process that wakes from a pause does not stand for election at once', (t) => {
  const node = new Single({ term: 1 });
  node.step(heartbeat(2, 1));
  node.wait(500);
  node.nowMs += 60_000;
  node.raft.tick(node.nowMs);
  t.is(node.status.role, 'follower');
  node.wait(599);
  t.is(node.status.role, 'follower');
  node.wait(1);
  t.is(node.status.role, 'pre-candidate');
});

test('a leader that wakes from a pause takes nothing before a majority has answered', (t) => {
  const node = new Single();
  node.elect();
  node.acknowledge(2);
  t.true(node.status.mayAct);
  node.nowMs += 60_000;
  t.is(node.propose('x'), 'unconfirmed');
  t.is(node.change('remove', 3), 'unconfirmed');
  t.false(node.status.mayAct);
  t.is(node.status.role, 'leader');
  const beat = node.sent.findLast(({ type }) => type === 'heartbeat');
  node.step({ ...between(2, 1), type: 'heartbeat-reply', round: 1 }); // of before the pause
  t.is(node.propose('x'), 'unconfirmed');
  node.step({ ...between(2, 1), type: 'heartbeat-reply', round: beat?.type === 'heartbeat' ? beat.round : 0 });
  t.true(node.status.mayAct);
  t.is(node.propose('x'), '2/1');
});

test('a leader that wakes and hears nobody steps down after an election time-out, not before', (t) => {
  const node = new Single();
  node.elect();
  node.nowMs += 60_000;
  node.raft.tick(node.nowMs);
  node.wait(500);
  t.is(node.status.role, 'leader');
  node.wait(200);
  t.is(node.status.role, 'follower');
});

test('silence counts from the last heartbeat heard, whatever else happened since', (t) => {
  const node = new Single({ term: 1 });
  node.step(heartbeat(2, 1));
  node.wait(400);
  node.raft.readIndex(1, node.nowMs);
  node.step({ ...between(3, 1), type: 'pre-vote', lastIndex: 0, lastTerm: 0 });
  t.is(node.raft.nextTimerMs, 500);
  t.is(node.status.leaderHeardMs, 0);
  node.wait(200);
  t.is(node.status.role, 'pre-candidate');
  t.is(node.status.leaderHeardMs, 0);
});

test('requests for votes are repeated every heartbeat', (t) => {
  const node = new Single();
  node.wait(600);
  node.step({ ...between(2, 0), type: 'pre-vote-reply', isGranted: false });
  t.deepEqual(node.wait(200).map(show), ['1→3 pre-vote term 1 last 0/0', '1→3 pre-vote term 1 last 0/0']);
});

test('a snapshot that is lost is sent again', (t) => {
  const node = new Single({ settings: { keptEntries: 0 } });
  node.elect();
  node.propose('a');
  node.acknowledge(2);
  node.raft.compact(Uint8Array.of(1));
  node.turn();
  node.sent.length = 0;
  for (let round = 1; round < 25; round += 1) {
    for (const from of [2, 3]) node.step({ ...between(from, 1), type: 'heartbeat-reply', round });
    node.wait(100);
  }
  t.is(node.sent.filter(({ type }) => type === 'snapshot').length, 2);
});

test('a snapshot larger than a frame is not taken', (t) => {
  const node = new Single({ settings: { snapshotBytesMax: 2 } });
  node.elect();
  node.acknowledge(2);
  t.false(node.raft.compact(new Uint8Array(3)));
  t.true(node.raft.compact(new Uint8Array(2)));
});

test('committed entries come in bounded pieces', (t) => {
  const node = new Single({ settings: { applyBytesMax: 200 } });
  node.elect();
  for (const text of ['a', 'b', 'c', 'd', 'e']) node.propose(text);
  node.readies.length = 0;
  node.acknowledge(2);
  t.deepEqual(
    node.readies.map(({ committed }) => committed.map(entryText)).filter(({ length }) => length > 0),
    [
      ['1/1 nothing', '2/1 "a"', '3/1 "b"'],
      ['4/1 "c"', '5/1 "d"', '6/1 "e"'],
    ],
  );
});
