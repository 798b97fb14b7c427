/** Before the clock starts, every key gets a value: gets find something, and nothing is left of an earlier run. */

import { dataKey, numberKey } from './keys.ts';
import type { MixKind } from './kinds.ts';
import type { LoadOptions } from './options.ts';
import type { Requests } from './requests.ts';
import type { Values } from './values.ts';

/** Requests under way. */
const CONCURRENCY = 256;

const usesData: readonly MixKind[] = ['get', 'put', 'cas', 'delete'];

/** @param signal ends it early, without an error */
export async function preload(
  options: LoadOptions,
  requests: Requests,
  values: Values,
  signal: AbortSignal,
): Promise<void> {
  const uses = (wanted: readonly MixKind[]): boolean => options.mix.some(([kind]) => wanted.includes(kind));
  if (uses(usesData)) await forEach(options.keys, signal, (index) => requests.put(dataKey(index), values.next()));
  if (uses(['incr'])) await forEach(options.keys, signal, (index) => requests.put(numberKey(index), '0'));
}

async function forEach(count: number, signal: AbortSignal, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < count && !signal.aborted) {
      const index = next;
      next += 1;
      await act(index);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, loop));
}
