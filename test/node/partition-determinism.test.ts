/** Every replica that applied the same entries holds the same, however they came to it (R16, L1, R22). */
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { EPOCH, PartitionWorld } from './support/partition.ts';
import { describeReplica } from './support/replica-content.ts';
import { type GrantName, TestSession } from './support/session.ts';

const SEEDS = 30;
const STEPS = 150;
const KEYS = ['a', 'b', 'n', 'key d', 'e'.repeat(400)];

/** Random requests of a few sessions; entries travel in random pieces. */
class Schedule {
  readonly world: PartitionWorld = new PartitionWorld({ backups: 2 });
  readonly #random: Prng;
  readonly #sessions: TestSession[];
  #stage = 0;
  #epoch = EPOCH;
  reigns = 0;

  constructor(seed: number) {
    this.#random = new Prng(seed);
    this.#sessions = ['x', 'y', 'z'].map((name) => new TestSession(this.world, name, 2000));
    const starts = [0, 2 ** 31 - 20, 2 ** 30];
    for (const [index, session] of this.#sessions.entries()) session.sequence = starts[index] as number;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T;
  }

  /** Somebody else, or the same again, is primary, whatever is under way; sessions go on there. */
  #elect(): void {
    this.#epoch += 1 + this.#random.below(3);
    this.world.elect(this.#random.below(3), this.#epoch);
    if (this.#random.below(2) === 0) this.world.settle();
    this.reigns += 1;
  }

  step(): void {
    const { world } = this;
    if (this.#random.below(50) === 0) return this.#elect();
    const session = this.#pick(this.#sessions);
    switch (this.#random.below(12)) {
      case 0:
        return world.send(this.#random.below(2), 1 + this.#random.below(5));
      case 1:
        return world.acknowledge(this.#random.below(2));
      case 2:
        return world.tellCommit(this.#random.below(2));
      case 3:
        for (const name of this.#sessions) if (this.#random.below(10) > 0) world.primary.renew(name.hex);
        return world.pass(this.#random.below(200));
      case 4:
        return this.#ofSession(session);
      default:
        return this.#request(session);
    }
  }

  #ofSession(session: TestSession): void {
    const drawn = this.#random.below(6);
    if (drawn === 0) this.world.primary.leave(session.hex);
    else if (drawn === 1) session.attach();
    else session.cancel(this.#pick(KEYS), Math.max(1, session.sequence - this.#random.below(6)));
  }

  #request(session: TestSession): void {
    const key = this.#pick(KEYS);
    session.mark = Math.max(1, session.sequence - this.#random.below(8));
    const revision = `9.${2 + this.#random.below(this.world.primary.log.next)}`;
    const span = this.#pick([0, 0, 50, 400]);
    switch (this.#random.below(11)) {
      case 0:
        return void session.put(key, `${this.#random.u32()}`, { span });
      case 1:
        return void session.cas(key, this.#pick(['0.0', revision]), 'swapped', { span });
      case 2:
        return void session.del(key, { flags: this.#random.below(2), revision });
      case 3:
        return void session.incr('n', BigInt(this.#random.below(100)) - 50n);
      case 4:
        return this.#putStaged(session, key);
      case 5:
        return void session.unlockGrant(key, this.#grantOf(key, session));
      case 6:
        return void session.get(key);
      case 7:
        return void session.convert(key, this.#grantOf(key, session), this.#random.below(6), this.#pick([0, 300]));
      default:
        return this.#lock(session, key);
    }
  }

  #putStaged(session: TestSession, key: string): void {
    this.#stage += 1;
    this.world.stages.set(this.#stage, new Uint8Array(40_000).fill(this.#stage));
    session.putStaged(key, this.#stage);
  }

  /** Of the session, if it holds it; else of whoever does. */
  #grantOf(key: string, session: TestSession): GrantName {
    const { locks, attachments } = this.world.primary.state;
    const { requests } = locks;
    const bytes = Buffer.from(key);
    const slot = locks.find(bytes, 0, bytes.length);
    if (slot < 0) return { token: '9.3', sequence: 1 };
    const own = attachments.ofSession(session.hex)?.slot;
    let held = locks.firstGranted(slot);
    while (requests.attachment(held) !== own && locks.grantedAfter(held) >= 0) held = locks.grantedAfter(held);
    return {
      token: `${requests.tokenEpoch(held)}.${requests.tokenOperation(held)}`,
      sequence: requests.sequence(held),
    };
  }

  #lock(session: TestSession, key: string): void {
    const waitMs = this.#pick([0, 300, 2 ** 40]);
    const mode = this.#pick([3, 3, 3, 5, 5, 1, 2, 4, 0]);
    const lock = { flow: this.#random.below(4), delayMs: this.#pick([0, 0, 40, 900]), label: this.#pick(['', 'job']) };
    if (this.#random.below(4) === 0) session.lock(key, waitMs);
    else session.share(key, mode, waitMs, { lock });
  }
}

test('the same entries make the same keys, locks, sessions and records, whatever the batches', (t) => {
  let locksSeen = 0;
  let reigns = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const schedule = new Schedule(seed);
    for (let step = 0; step < STEPS; step += 1) schedule.step();
    const { world } = schedule;
    world.settle();
    world.settle();
    const primary = describeReplica(world.primary.state);
    for (const { kept } of world.backups) t.deepEqual(describeReplica(kept.state), primary, `seed ${seed}`);
    locksSeen += world.primary.state.locks.size;
    reigns += schedule.reigns;
  }
  t.true(locksSeen > SEEDS);
  t.true(reigns > SEEDS);
});

test('a backup is at every commit point what the primary was there', (t) => {
  let compared = 0;
  for (let seed = 0; seed < SEEDS / 4; seed += 1) {
    const schedule = new Schedule(seed);
    const { world } = schedule;
    const contents = new Map<number, unknown>();
    const follow = (): void => {
      const { applied, state } = world.primary;
      if (!contents.has(applied)) contents.set(applied, describeReplica(state));
      for (const { kept } of world.backups) {
        const known = contents.get(kept.replica.commit);
        if (known === undefined) continue;
        compared += 1;
        t.deepEqual(describeReplica(kept.state), known, `seed ${seed}, ${kept.replica.commit} entries`);
      }
    };
    for (let step = 0; step < STEPS; step += 1) {
      schedule.step();
      follow();
    }
  }
  t.true(compared > SEEDS);
});
