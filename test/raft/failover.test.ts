/**
 * How long a group is without a leader after its leader was killed, at the defaults, with 0 to 2 ms on the way and 0 to 5 ms
 * on disk. The budget: 600 to 650 ms since the last heartbeat for the next by age, and a few ways and writes.
 */
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { defaultRaftSettings } from '../../src/raft/settings.ts';
import { Member } from './support/member.ts';

const WAY_MS = 3;
const DISK_MS = 6;

interface Due {
  readonly atMs: number;
  readonly run: () => void;
}

/** Milliseconds from the crash of the first leader to the moment in which another may act. */
function failoverMs(seed: number, size: number): number {
  const random = new Prng(seed);
  const due: Due[] = [];
  let nowMs = 0;
  const later = (maxMs: number, run: () => void): unknown => due.push({ atMs: nowMs + random.below(maxMs), run });
  const voters = Array.from({ length: size }, (_, place) => place + 1);
  const members = voters.map((id): Member => {
    const member = new Member({
      id,
      founders: { voters, learners: [] },
      settings: defaultRaftSettings,
      dice: random.fork(`${id}`),
      watcher: {
        send: (message) => {
          const to = members[message.to - 1] as Member;
          later(WAY_MS, () => to.isUp && to.raft.step(message, nowMs));
        },
        ready: () => {},
        advanced: () => {},
        restored: () => {},
      },
    });
    member.disk.onWrite = () => later(DISK_MS, () => member.disk.complete());
    return member;
  });
  for (const member of members) member.start(0);
  const acting = (): Member | undefined => members.find((member) => member.isUp && member.raft.status.mayAct);
  const run = (untilMs: number, isDone: () => boolean): void => {
    for (; nowMs < untilMs && !isDone(); nowMs += 1) {
      const now = due.filter(({ atMs }) => atMs <= nowMs);
      due.splice(0, due.length, ...due.filter(({ atMs }) => atMs > nowMs));
      for (const { run } of now) run();
      for (const member of members) {
        if (member.isUp && member.raft.nextTimerMs <= nowMs) member.raft.tick(nowMs);
        member.turn();
      }
    }
  };
  run(5000, () => acting() !== undefined);
  run(nowMs + 500 + random.below(100), () => false);
  const killedMs = nowMs;
  acting()?.crash(random);
  run(nowMs + 5000, () => acting() !== undefined);
  return nowMs - killedMs;
}

for (const size of [3, 5]) {
  test(`${size} voters: the next leader acts within the budget`, (t) => {
    const found = Array.from({ length: 31 }, (_, seed) => failoverMs(seed, size)).sort((a, b) => a - b);
    t.log(`${size} voters: median ${found[15]} ms, longest ${found.at(-1)} ms`);
    t.true((found[0] as number) >= 500);
    t.true((found.at(-1) as number) <= 700);
  });
}
