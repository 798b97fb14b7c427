/** At the leader: who is taken in, and what is only the echo of a former life. */
import test from 'ava';
import type { Command } from '../../../src/cluster/commands.ts';
import { foundBook } from '../../../src/cluster/founding-book.ts';
import { applyCommand } from '../../../src/cluster/reducer.ts';
import { JoinDesk } from '../../../src/node/control/join-desk.ts';
import { LinkedPeers } from '../../../src/node/control/linked-peers.ts';
import { peer } from './support/scripted-plane.ts';

function setUp(): {
  desk: JoinDesk;
  proposed: Command[];
  peers: LinkedPeers;
  lines: string[];
  passMs(ms: number): void;
} {
  let nowMs = 0;
  const proposed: Command[] = [];
  const lines: string[] = [];
  const peers = new LinkedPeers();
  const ports = {
    clock: { monotonicMs: (): number => nowMs, unixMs: (): number => 1e12 + nowMs },
    log: { write: (_: string, event: string): number => lines.push(event) },
  };
  const desk = new JoinDesk(ports as unknown as ConstructorParameters<typeof JoinDesk>[0], peers, (command) =>
    proposed.push(command),
  );
  const passMs = (ms: number): void => {
    nowMs += ms;
  };
  return { desk, proposed, peers, lines, passMs };
}

const founders = [1, 2].map((id) => ({ ...peer(id), id }));
const book = foundBook({
  clusterId: '1'.repeat(16),
  clusterName: 'test',
  foundedAtSeconds: 1,
  partitions: 1,
  replicas: 2,
  min: 1,
  maxLeaseMs: 1,
  onLoss: 'stop',
  isNew: true,
  members: founders,
});

test('a new life is proposed, and again when that may be lost', (t) => {
  const { desk, proposed, passMs } = setUp();
  const life = peer(2, { incarnation: 'ab'.repeat(8) });
  desk.asked(life, book);
  desk.asked(life, book);
  t.is(proposed.length, 1);
  passMs(1001);
  desk.asked(life, book);
  t.is(proposed.length, 2);
});

test('who is named already is not proposed', (t) => {
  const { desk, proposed } = setUp();
  desk.asked(peer(2), book);
  t.deepEqual(proposed, []);
  t.true(desk.wantsVote(2));
});

test('R3: a late word of a former life does not bring it back', (t) => {
  const { desk, proposed, passMs } = setUp();
  const life = peer(2, { incarnation: 'ab'.repeat(8) });
  desk.asked(life, book);
  const { book: second } = applyCommand(book, proposed[0] as Command);
  desk.bookChanged(second, book);
  desk.asked(peer(2, { incarnation: 'cd'.repeat(8) }), second);
  const { book: third } = applyCommand(second, proposed[1] as Command);
  desk.bookChanged(third, second);
  passMs(2000);
  desk.asked(peer(2), third);
  desk.asked(life, third);
  t.is(proposed.length, 2);
});

test('R3: only the life that is linked is believed', (t) => {
  const { desk, proposed, peers } = setUp();
  peers.add('n2:1', { nodeId: 2, clusterId: '', incarnation: new Uint8Array(8).fill(0xcd) });
  desk.asked(peer(2, { incarnation: 'ab'.repeat(8) }), book);
  t.deepEqual(proposed, []);
  desk.asked(peer(2, { incarnation: 'cd'.repeat(8) }), book);
  t.is(proposed.length, 1);
});

test('what the book would refuse costs no entry of the log, and is told once', (t) => {
  const { desk, proposed, lines } = setUp();
  const other = peer(9, { address: 'n2:1' });
  desk.asked(other, book);
  desk.asked(other, book);
  t.deepEqual(proposed, []);
  t.deepEqual(lines, ['join put off']);
});

test('a wish for a vote is forgotten unless it is repeated', (t) => {
  const { desk, passMs } = setUp();
  desk.asked(peer(2), book);
  passMs(10_001);
  t.false(desk.wantsVote(2));
});
