/** R17 */
import test from 'ava';
import { HandOvers } from '../../src/node/hand-overs.ts';
import { EPOCH, PARTITION } from './support/partition.ts';
import { ReignSubject } from './support/reign.ts';
import { TestSession } from './support/session.ts';

function subject(): { reign: ReignSubject; handOvers: HandOvers; session: TestSession } {
  const reign = new ReignSubject();
  const session = new TestSession(reign.world);
  return { reign, handOvers: new HandOvers(reign), session };
}

function proposal(reign: ReignSubject, to: number): object {
  return { kind: 'hand-over', partition: PARTITION, version: reign.entry.version, epoch: EPOCH, by: 0, to };
}

test('R17: when the target holds everything the book is asked, once, and nothing is written any more', (t) => {
  const { reign, handOvers, session } = subject();
  t.is(handOvers.begin(PARTITION, 1), null);
  t.deepEqual(reign.takeProposed(), [proposal(reign, 1)]);
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), []);
  t.deepEqual(session.put('k', 'v'), ['2 FAIL KV_NO_QUORUM']);
  t.regex(session.caller.failure, /handed over/);
  t.true(reign.primary.starting);
});

test('R17: it is not asked before the target holds everything, and all of it is committed', (t) => {
  const { reign, handOvers, session } = subject();
  const { world } = reign;
  session.put('k', 'v');
  t.is(handOvers.begin(PARTITION, 1), null);
  t.deepEqual(reign.takeProposed(), []);
  world.send(0);
  world.acknowledge(0);
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), []);
  world.settle();
  t.deepEqual(session.read(), ['2 DONE applied 9.3']);
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), [proposal(reign, 1)]);
});

test('R17: a target that does not get everything in time is given up, and nothing was proposed', (t) => {
  const { reign, handOvers, session } = subject();
  reign.world.silent.add(0);
  session.put('k', 'v');
  handOvers.begin(PARTITION, 1);
  reign.world.nowMs += 2001;
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), []);
  t.is(handOvers.size, 0);
  t.true(reign.primary.writable);
});

test('R17: with the end of the reign it is done', (t) => {
  const { reign, handOvers } = subject();
  handOvers.begin(PARTITION, 1);
  reign.primary.end();
  handOvers.tick();
  t.deepEqual([handOvers.size, handOvers.done], [0, 1]);
});

test('R17: who hears nothing asks again, then ends its proposal, and goes on only when the book has passed it', (t) => {
  const { reign, handOvers } = subject();
  handOvers.begin(PARTITION, 1);
  const [first] = reign.takeProposed();
  reign.world.nowMs += 301;
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), [first]);
  reign.world.nowMs += 701;
  handOvers.tick();
  t.deepEqual(reign.takeProposed(), [{ kind: 'touch', partition: PARTITION, version: reign.entry.version }]);
  reign.world.nowMs += 60_000;
  handOvers.tick();
  t.false(reign.primary.writable);
  reign.takeProposed();
  reign.change({});
  handOvers.tick();
  t.true(reign.primary.writable);
  t.true(reign.wakes > 0);
  t.deepEqual([handOvers.size, handOvers.done], [0, 0]);
  t.deepEqual(reign.takeProposed(), []);
});

test('R17: it is begun only where it can be', (t) => {
  const { reign, handOvers } = subject();
  t.regex(handOvers.begin(PARTITION - 1, 1) ?? '', /not its primary/);
  reign.proposing = true;
  t.regex(handOvers.begin(PARTITION, 1) ?? '', /in-sync set/);
  reign.proposing = false;
  reign.change({ isr: [0, 2] });
  t.regex(handOvers.begin(PARTITION, 1) ?? '', /slot 1 is not in sync/);
  t.regex(handOvers.begin(PARTITION, 9) ?? '', /slot 9 is not in sync/);
  reign.world.freeze();
  t.regex(handOvers.begin(PARTITION, 2) ?? '', /too few replicas/);
  reign.world.thaw();
  t.is(reign.primary.closedFor, null);
  t.is(handOvers.begin(PARTITION, 2), null);
  t.regex(handOvers.begin(PARTITION, 2) ?? '', /already/);
});

test('a primary whose operation numbers run out hands over to itself', (t) => {
  const { reign, handOvers } = subject();
  t.is(handOvers.begin(PARTITION, 0), null);
  t.deepEqual(reign.takeProposed(), [proposal(reign, 0)]);
});
