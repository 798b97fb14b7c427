/** L3, L4: short leases over long ways: a node that answers late, whatever it is asked. */
import test from 'ava';
import type { Lock } from '../../src/client/lock.ts';
import * as op from '../../src/protocol/opcode.ts';
import { number } from '../../tools/fuzz/world/frames.ts';
import { A, type Asked, ATTACHMENT, ClientWorld, NOTHING_THERE } from './support/world.ts';

const STEP_MS = 4;
const SHORT_MS = 100;

interface Answer {
  readonly atMs: number;
  readonly to: Asked;
}

/** A node at the other end of a way that takes `roundTripMs` both ways together. */
class FarNode {
  readonly world: ClientWorld;
  readonly #roundTripMs: number;
  readonly #underWay: Answer[] = [];

  constructor(world: ClientWorld, roundTripMs: number) {
    this.world = world;
    this.#roundTripMs = roundTripMs;
  }

  static async at(roundTripMs: number): Promise<FarNode> {
    const world = await ClientWorld.connected({ version: 1, primaries: [0] }, { leaseMs: SHORT_MS });
    return new FarNode(world, roundTripMs);
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await this.world.pass(STEP_MS);
      const nowMs = this.world.time.monotonicMs();
      for (const to of this.world.end(A).asked()) this.#underWay.push({ atMs: nowMs + this.#roundTripMs, to });
      while ((this.#underWay[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs)
        await this.#answer((this.#underWay.shift() as Answer).to);
    }
  }

  async #answer(asked: Asked): Promise<void> {
    const node = this.world.end(A);
    if (asked.opcode === 'KEEP') return node.kept(asked, [0], []);
    if (asked.opcode === 'LCKK') return node.say(op.LKDK, asked.messageId, number(8, ATTACHMENT + 5n), NOTHING_THERE);
    return node.done(asked, ATTACHMENT);
  }
}

test('leaseMs 100, and 40 ms each way: the lock is had at the first attempt, and kept', async (t) => {
  const node = await FarNode.at(80);
  let lock: Lock | null = null;
  void node.world.client.lock('job').then((taken) => {
    lock = taken;
  });
  await node.pass(200);
  const held = lock as Lock | null;
  t.true(held?.held);
  await node.pass(2000);
  t.true(held?.held);
  t.false(held?.signal.aborted);
});

test('a way that takes as long as the lease: the lock is refused, and the error names the option', async (t) => {
  const node = await FarNode.at(120);
  const refused = t.throwsAsync(node.world.client.lock('job'), { code: 'KV_LOCK_LOST' });
  await node.pass(500);
  const { message } = (await refused) as Error;
  t.is(
    message,
    "the lock on 'job' was granted when its lease of 100 ms had run out; if the way to its node and back takes long, ask for a longer one (leaseMs)",
  );
});
