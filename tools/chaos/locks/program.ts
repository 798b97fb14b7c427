/** A program that holds and waits for locks: a process of its own, to be killed, stopped and cut off. Its task is an argument. */
import { Prng } from '../../../src/base/prng.ts';
import { clockFrom } from '../../loadgen/clock.ts';
import { connectFrom } from '../client.ts';
import { insist } from '../insist.ts';
import { HeldClaims } from './held-claims.ts';
import { Journal } from './journal.ts';
import { LockLoop } from './loop.ts';

const CONNECT_MS_MAX = 120_000;
const CONNECT_AGAIN_MS = 200;

export interface ProgramTask {
  readonly endpoints: readonly string[];
  /** Where it calls from. */
  readonly host: string;
  /** `p2.5`: the second program in its fifth life. */
  readonly name: string;
  /** Its number among all lives of all programs. */
  readonly life: number;
  readonly leaseMs: number;
  readonly loops: number;
  readonly hotKeys: number;
  readonly seed: number;
  readonly journal: string;
  /** `process.hrtime` at the beginning of the run, in decimal digits. */
  readonly originNs: string;
}

/** `tell`: say so when a lock has been granted, and keep it for a moment. */
export type ProgramRequest = 'tell' | 'end';
export type ProgramAnswer = 'connected' | 'holding' | 'ended';

function say(answer: ProgramAnswer): void {
  process.send?.(answer);
}

const task = JSON.parse(process.argv[2] as string) as ProgramTask;
const { endpoints, host, name, life, leaseMs, loops, hotKeys, seed } = task;
process.once('disconnect', () => process.exit());
const journal = new Journal({ path: task.journal, life, nowNs: clockFrom(BigInt(task.originNs)) });
const connect = (): ReturnType<typeof connectFrom> => connectFrom(host, endpoints, name, leaseMs);
const client = await insist(connect, performance.now() + CONNECT_MS_MAX, CONNECT_AGAIN_MS);
if (client === null) throw new Error('no node lets it in');
const held = new HeldClaims();
let isRunning = true;
process.on('message', (request: ProgramRequest) => {
  if (request === 'end') isRunning = false;
  else held.whenGranted(() => say('holding'));
});
say('connected');
const random = new Prng(seed).fork(name);
const running = Array.from({ length: loops }, (_, index) => {
  const owner = `${name}/${index + 1}`;
  const options = { client, journal, held, random: random.fork(owner), owner, leaseMs, hotKeys };
  return new LockLoop({ ...options, isRunning: () => isRunning }).run();
});
await Promise.all(running);
await held.settle();
await client.close();
journal.close();
say('ended');
process.disconnect();
