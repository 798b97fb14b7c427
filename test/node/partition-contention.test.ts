// L5, L12: what a hand-over costs, with few and with very many who wait.
import test from 'ava';
import { PartitionWorld } from './support/partition.ts';
import { sessions, type TestSession } from './support/session.ts';

const HAND_OVERS = 50;

/** Frames that all connections get, and entries of the log, for so many hand-overs. */
function costWith(waiters: number): { frames: number; entries: number } {
  const world = new PartitionWorld({ backups: 2 });
  const all = sessions(world, ...'abcdefghij');
  const holder = all[0] as TestSession;
  let [, token = ''] = /(\d+\.\d+)/.exec(asked(world, holder, 'hot').join(' ')) ?? [];
  for (let waiter = 0; waiter < waiters; waiter += 1) {
    all[waiter % all.length]?.lock('hot', 60_000);
    if (waiter % 1000 === 999) world.settle();
  }
  world.settle();
  for (const session of all) session.read();
  const before = world.primary.log.next;
  let frames = 0;
  let from = holder;
  for (let done = 0; done < HAND_OVERS; done += 1) {
    from.unlock('hot', token);
    world.settle();
    const heard = all.map((session) => session.read());
    frames += heard.reduce((sum, lines) => sum + lines.length, 0);
    const next = heard.findIndex((lines) => lines.some((line) => line.includes('LKDK')));
    [, token = ''] = /LKDK\D*(\d+\.\d+)/.exec((heard[next] as string[]).join(' ')) ?? [];
    from = all[next] as TestSession;
  }
  return { frames, entries: world.primary.log.next - before };
}

function asked(world: PartitionWorld, session: TestSession, key: string): string[] {
  session.lock(key, 60_000);
  world.settle();
  return session.read();
}

test('L12: a hand-over is one entry and two frames, with 64 waiters as with 10,000', (t) => {
  const expected = { frames: HAND_OVERS * 2, entries: HAND_OVERS };
  t.deepEqual(costWith(64), expected, '64');
  t.deepEqual(costWith(10_000), expected, '10,000');
});
