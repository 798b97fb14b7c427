/** L14: what the log of a node says of locks that were lost. */
import test from 'ava';
import { LockLosses } from '../../src/node/lock-losses.ts';
import { PartitionWorld } from './support/partition.ts';
import { sessions, type TestSession } from './support/session.ts';

test('a session that runs out is told with its locks; one that leaves, or holds none, is not', (t) => {
  const world = new PartitionWorld();
  const [anna, bert] = sessions(world, 'a', 'b', 'c') as [TestSession, TestSession];
  anna.lock('one', 0);
  anna.lock('two', 0);
  bert.lock('three', 0);
  world.primary.leave(bert.hex);
  world.pass(60_000);
  t.is(world.primary.state.attachments.size, 0);
  t.deepEqual(world.losses, [`7 host:${anna.hex} 2 one`]);
});

test('one line a turn, with a few of them by name', (t) => {
  const losses = new LockLosses();
  const lines: unknown[] = [];
  const log = { write: (...line: readonly unknown[]): unknown => lines.push(line) };
  losses.log(log);
  t.deepEqual(lines, []);
  losses.add(3, 'host:1', 1, Buffer.from('job'));
  losses.add(3, 'host:2', 5, Buffer.from('x'.repeat(300)));
  for (let more = 0; more < 10; more += 1) losses.add(4, 'host:3', 1, Buffer.from('k'));
  losses.log(log);
  losses.log(log);
  t.is(lines.length, 1);
  const [[level, event, fields]] = lines as [[string, string, { sessions: number; locks: number; of: string[] }]];
  t.is(`${level} ${event}`, 'warn locks lost');
  t.is(fields.sessions, 12);
  t.is(fields.locks, 16);
  t.deepEqual(fields.of.slice(0, 2), [
    `host:1: 'job' in partition 3`,
    `host:2: '${'x'.repeat(100)}' and 4 more in partition 3`,
  ]);
  t.is(fields.of.length, 4);
});
