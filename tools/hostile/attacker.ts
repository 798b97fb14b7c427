/**
 * The attacking client, a process of its own: what it costs itself must not look like a cost of the node. It gives way to
 * the others on the machine, as one on another machine would.
 */
import { createHash } from 'node:crypto';
import { setPriority } from 'node:os';
import { Prng } from '../../src/base/prng.ts';
import { attacks } from './all-attacks.ts';
import { type AttackContext, type Findings, Tally } from './attack.ts';

export type AttackOrder = Omit<AttackContext, 'random' | 'tally' | 'secret'> & {
  readonly attack: string;
  readonly seed: number;
  readonly secret: string;
};

export interface AttackOutcome {
  readonly findings: Findings;
  readonly cpuMs: number;
}

/** Politest there is. */
const NICE = 19;

async function carryOut(order: AttackOrder): Promise<AttackOutcome> {
  const tally = new Tally();
  const before = process.cpuUsage();
  const attack = attacks.find(({ name }) => name === order.attack);
  try {
    if (attack === undefined) throw new Error(`there is no attack ${order.attack}`);
    await attack.run({ ...order, secret: Buffer.from(order.secret), random: new Prng(seedOf(order)), tally });
  } catch (error) {
    tally.failed(`broken off: ${(error as Error).message}`);
  }
  const { user, system } = process.cpuUsage(before);
  return { findings: tally.findings, cpuMs: (user + system) / 1000 };
}

/** Of each attack its own: sessions and keys of one are not met again by the next. */
function seedOf({ attack, seed }: AttackOrder): number {
  return (seed + createHash('sha256').update(attack).digest().readUInt32BE()) % 2 ** 32;
}

setPriority(NICE);
process.on('message', (order: AttackOrder) => void carryOut(order).then((outcome) => process.send?.(outcome)));
process.on('disconnect', () => process.exit(0));
