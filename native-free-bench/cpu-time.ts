/** Processor time of this process, all threads: unlike the clock it does not run on while others have the processor. */
import { performance } from 'node:perf_hooks';

/** Repeats `work`, which does `operations` of something, for `seconds`; gives the nanoseconds of processor time of one. */
export async function cpuNanosOf(seconds: number, operations: number, work: () => Promise<void>): Promise<number> {
  const warmEndMs = performance.now() + seconds * 500;
  do await work();
  while (performance.now() < warmEndMs);
  const before = process.cpuUsage();
  const endMs = performance.now() + seconds * 1000;
  let times = 0;
  do {
    await work();
    times += 1;
  } while (performance.now() < endMs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (times * operations);
}
