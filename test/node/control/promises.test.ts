/** What a founding promise binds to, step by step: the other side is played by the test. */
import test from 'ava';
import { peer, ScriptedPlane, setOf } from './support/scripted-plane.ts';

const A = peer(1);
const C = peer(3);
const LIST = ['n1:1', 'n2:1', 'n3:1'];
const [X, Y, Z] = ['1'.repeat(16), '2'.repeat(16), '3'.repeat(16)] as [string, string, string];

/** n2, which n1 is to ask. */
function asked(): ScriptedPlane {
  const plane = new ScriptedPlane('n2:1', LIST);
  plane.link(A);
  plane.link(C);
  return plane;
}

/** n1, which asks n2 and n3; n2 and n3 have told how they were started. */
function asker(): ScriptedPlane {
  const plane = new ScriptedPlane('n1:1', LIST);
  for (const one of [peer(2), C]) {
    plane.link(one);
    plane.join(one);
  }
  return plane;
}

test('a promise is kept before it is told', (t) => {
  const plane = asked();
  plane.disk.onWrite = (): void => undefined;
  plane.ask('n1:1', setOf([A, plane.self, C], X));
  t.deepEqual(plane.answers('n1:1'), []);
  plane.disk.complete();
  t.deepEqual(plane.answers('n1:1'), ['promised']);
});

test('the same asker may ask for another set, and never goes back', (t) => {
  const plane = asked();
  plane.ask('n1:1', setOf([A, plane.self, C], X, 1));
  plane.ask('n1:1', setOf([A, plane.self, C], Y, 2));
  t.deepEqual(plane.answers('n1:1'), ['promised', 'promised']);
  plane.ask('n1:1', setOf([A, plane.self, C], X, 1));
  plane.ask('n1:1', setOf([A, plane.self, C], Z, 2));
  const [late, equal] = plane.answers('n1:1');
  t.regex(late ?? '', /^it has promised something else: n1:1, to which this node has promised to found cluster 2222/);
  t.regex(equal ?? '', /^it has promised something else/);
});

test('what was promised is promised again, also in another life', (t) => {
  const plane = asked();
  const set = setOf([A, plane.self, C], X);
  plane.ask('n1:1', set);
  const next = new ScriptedPlane('n2:1', LIST, plane.disk);
  t.is(next.self.nodeId, plane.self.nodeId);
  next.link(A);
  next.ask('n1:1', set);
  t.deepEqual(next.answers('n1:1'), ['promised']);
});

test('an asker whose directory was wiped may have founded before: its next life is refused', (t) => {
  const plane = asked();
  plane.ask('n1:1', setOf([A, plane.self, C], X));
  plane.answers('n1:1');
  const wiped = peer(9, { address: 'n1:1' });
  plane.link(wiped);
  plane.ask('n1:1', setOf([wiped, plane.self, C], Y));
  t.regex(plane.answers('n1:1')[0] ?? '', /^it has promised something else/);
});

test('an asker without a directory has forgotten its set with its life: the next one may ask', (t) => {
  const plane = asked();
  const volatile = { ...A, isVolatile: true };
  plane.ask('n1:1', setOf([volatile, plane.self, C], X));
  plane.answers('n1:1');
  const next = peer(9, { address: 'n1:1', isVolatile: true });
  plane.link(next);
  plane.ask('n1:1', setOf([next, plane.self, C], Y));
  t.deepEqual(plane.answers('n1:1'), ['promised']);
});

test('nobody but the one whose address sorts first may ask', (t) => {
  const plane = asked();
  plane.ask('n3:1', setOf([A, plane.self, C], X));
  t.deepEqual(plane.answers('n3:1'), ['not n3:1, but n1:1 is to ask']);
});

test('a set that names another node at the own address is refused', (t) => {
  const plane = asked();
  plane.ask('n1:1', setOf([A, peer(8, { address: 'n2:1' }), C], X));
  t.deepEqual(plane.answers('n1:1'), ['it has become another node meanwhile']);
});

test('nothing is promised while a member of a cluster is linked', (t) => {
  const plane = asked();
  plane.announce('n3:1', Y);
  plane.ask('n1:1', setOf([A, plane.self, C], X));
  t.deepEqual(plane.answers('n1:1'), [`n3:1 belongs to cluster ${Y} already`]);
});

test('a promise alone founds nothing; that somebody belongs to its cluster does', (t) => {
  const plane = asked();
  plane.ask('n1:1', setOf([A, plane.self, C], X));
  plane.run(3000);
  t.is(plane.plane.clusterId, '');
  plane.announce('n1:1', X);
  t.is(plane.plane.clusterId, X);
  t.deepEqual(
    plane.plane.book?.members.map((member) => member?.id),
    [1, plane.self.nodeId, 3],
  );
});

test('who is bound by a promise is taken in by no other cluster', (t) => {
  const plane = asked();
  plane.ask('n1:1', setOf([A, plane.self, C], X));
  const stranger = peer(9);
  plane.link(stranger, Y);
  plane.run(1000);
  t.deepEqual(plane.take('n9:1'), []);
  plane.raft(stranger, { type: 'heartbeat', from: 9, to: plane.self.nodeId, term: 5, commit: 1, round: 1 });
  t.is(plane.plane.clusterId, '');
});

test('an answer about a former set is no promise of the present one', (t) => {
  const plane = asker();
  const [former] = plane.asked('n2:1');
  // n3 becomes another node, so another set is made; while that is being written n2 answers about the former one.
  plane.disk.onWrite = (): void => undefined;
  const next = peer(9, { address: 'n3:1' });
  plane.link(next);
  plane.join(next);
  t.true(plane.disk.isWriting);
  plane.answer('n2:1', former?.clusterId ?? '');
  plane.disk.onWrite = null;
  plane.disk.complete();
  const [set] = plane.asked('n2:1');
  t.is(set?.attempt, (former?.attempt ?? 0) + 1);
  plane.answer('n3:1', set?.clusterId ?? '');
  plane.run(1000);
  t.is(plane.plane.clusterId, '');
  plane.answer('n2:1', set?.clusterId ?? '');
  t.is(plane.plane.clusterId, set?.clusterId ?? 'none');
});

test('an asker that starts again goes on with the set it has promised to itself', (t) => {
  const plane = asker();
  const [former] = plane.asked('n2:1');
  const next = new ScriptedPlane('n1:1', LIST, plane.disk);
  for (const one of [peer(2), C]) {
    next.link(one);
    next.join(one);
  }
  t.deepEqual(next.asked('n2:1'), [former]);
});

test('L2: it founds in the second after the one in which it asked: of two foundings no epoch is the same', (t) => {
  const plane = asker();
  const [set] = plane.asked('n2:1');
  for (const address of ['n2:1', 'n3:1']) plane.answer(address, set?.clusterId ?? '');
  t.is(set?.foundedAtSeconds, 1_767_225_601);
  t.is(plane.plane.clusterId, '');
  plane.run(1000);
  t.is(plane.plane.clusterId, set?.clusterId ?? 'none');
});

test('who belongs to a cluster says so on every new link', (t) => {
  const plane = asker();
  const [set] = plane.asked('n2:1');
  for (const address of ['n2:1', 'n3:1']) plane.answer(address, set?.clusterId ?? '');
  plane.run(1000);
  plane.sent.length = 0;
  plane.link(C);
  t.deepEqual(
    plane
      .take('n3:1')
      .map(({ opcode }) => opcode)
      .slice(0, 1),
    ['FNDC'],
  );
});

test('frames that are cut short are told from frames that come too early', (t) => {
  const plane = asked();
  for (const opcode of [0x464e4451, 0x464e4441, 0x464e4443, 0x4a4f494e, 0x52415050]) {
    t.false(plane.plane.frame('n1:1', opcode, new Uint8Array(3), 0, 3));
  }
  t.false(plane.plane.frame('n1:1', 0x41414141, new Uint8Array(0), 0, 0));
  t.notThrows(() => plane.answer('n1:1', X));
  t.notThrows(() => plane.ask('n7:1', setOf([A, plane.self, C], X)));
});
