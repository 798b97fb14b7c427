/** Names of keys. Operations use the same ones in every run; counters have a name of the run in theirs. */

export function dataKey(index: number): string {
  return `loadgen:key:${index}`;
}

export function numberKey(index: number): string {
  return `loadgen:number:${index}`;
}

export function lockKey(index: number): string {
  return `loadgen:lock:${index}`;
}

/** The key of a counter, and of the lock that guards it. */
export function counterKey(run: string, counter: number): string {
  return `loadgen:${run}:counter:${counter}`;
}
