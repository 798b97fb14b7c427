/**
 * The loops of a keyval client, one function per operation, written as a program would write them. Keys are drawn
 * uniformly from all keys; every value that is read is compared with the one that belongs to its key.
 */
import { Prng } from '../../src/base/prng.ts';
import type { Client } from '../../src/index.ts';
import { type Operation, VALUE_BYTES } from './cases.ts';
import type { Loop, Tally, WorkloadOptions } from './contender.ts';
import { type KeySpace, keyOf, ownKeys } from './keys.ts';

/** Keys that a loop locks in turn, so that also one loop meets every node. */
const OWN_KEYS = 64;
const SEED = 1;

export function keyvalLoops(client: Client, space: KeySpace, { operation, loops }: WorkloadOptions): Loop[] {
  return ownKeys(loops, OWN_KEYS).map((own, loop) => loopOf({ client, space, operation, own, seed: SEED + loop }));
}

interface LoopOptions {
  readonly client: Client;
  readonly space: KeySpace;
  readonly operation: Operation;
  /** Keys that no other loop locks. */
  readonly own: readonly string[];
  readonly seed: number;
}

function loopOf({ client, space, operation, own, seed }: LoopOptions): Loop {
  const random = new Prng(seed);
  switch (operation) {
    case 'get':
      return (tally) => getLoop(client, space, random, tally);
    case 'put':
      return (tally) => putLoop(client, space, random, tally);
    case 'mix':
      return (tally) => mixLoop(client, space, random, tally);
    case 'lock':
      return (tally) => lockLoop(client, own, tally);
    case 'lock-confirmed':
      return (tally) => confirmedLockLoop(client, own, tally);
    case 'lock-value':
      return (tally) => lockValueLoop(client, own, tally);
    case 'lock-16-keys':
      return (tally) => lockLoop(client, shared(16), tally);
    case 'lock-one-key':
      return (tally) => lockLoop(client, [keyOf('lock', 0)], tally);
  }
}

async function getLoop(client: Client, { keys, values }: KeySpace, random: Prng, tally: Tally): Promise<void> {
  do {
    const index = random.below(keys.length);
    const value = await client.get(keys[index] as string);
    if (value !== values[index]) throw wrongValue(keys[index], value);
    tally.count += 1;
  } while (!tally.isStopped);
}

async function putLoop(client: Client, { keys, values }: KeySpace, random: Prng, tally: Tally): Promise<void> {
  do {
    const index = random.below(keys.length);
    await client.put(keys[index] as string, values[index] as string);
    tally.count += 1;
  } while (!tally.isStopped);
}

/** Half gets, half puts. */
async function mixLoop(client: Client, { keys, values }: KeySpace, random: Prng, tally: Tally): Promise<void> {
  do {
    const index = random.below(keys.length);
    if (random.below(2) === 0) {
      await client.put(keys[index] as string, values[index] as string);
    } else {
      const value = await client.get(keys[index] as string);
      if (value !== values[index]) throw wrongValue(keys[index], value);
    }
    tally.count += 1;
  } while (!tally.isStopped);
}

async function lockLoop(client: Client, keys: readonly string[], tally: Tally): Promise<void> {
  let next = 0;
  do {
    const lock = await client.lock(keys[next] as string);
    await lock.release();
    next = (next + 1) % keys.length;
    tally.count += 1;
  } while (!tally.isStopped);
}

async function confirmedLockLoop(client: Client, keys: readonly string[], tally: Tally): Promise<void> {
  let next = 0;
  do {
    const lock = await client.lock(keys[next] as string);
    await lock.release({ confirm: true });
    next = (next + 1) % keys.length;
    tally.count += 1;
  } while (!tally.isStopped);
}

/** Reads, changes and writes under a lock, in two messages: each value is the number of those before it. */
async function lockValueLoop(client: Client, keys: readonly string[], tally: Tally): Promise<void> {
  const written: (string | null)[] = keys.map(() => null);
  let next = 0;
  do {
    const lock = await client.lock(keys[next] as string);
    const last = written[next] as string | null;
    if (last !== null && lock.value !== last) throw wrongValue(keys[next], lock.value);
    const value = `${Number(lock.value ?? 0) + 1}`.padStart(VALUE_BYTES, '0');
    await lock.release({ value });
    written[next] = value;
    next = (next + 1) % keys.length;
    tally.count += 1;
  } while (!tally.isStopped);
}

/** Keys that all loops lock in turn. */
function shared(count: number): string[] {
  return Array.from({ length: count }, (_, index) => keyOf('lock', index));
}

function wrongValue(key: string | undefined, value: string | null): Error {
  return new Error(`key ${key} had the value ${JSON.stringify(value)}, which is not its own`);
}
