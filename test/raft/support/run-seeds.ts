/** `node run-seeds.ts FIRST COUNT MS`: runs seeds one after another; prints a line of JSON, exit code 1 on a violation. */
import type { Counts } from './counts.ts';
import { runSeed } from './world.ts';

const [first = 1, count = 20, forMs = 20_000] = process.argv.slice(2).map(Number);
const total: Record<string, number> = {};
for (let seed = first; seed < first + count; seed += 1) {
  try {
    const counts: Counts = runSeed(seed, forMs);
    for (const [name, value] of Object.entries(counts)) total[name] = (total[name] ?? 0) + value;
  } catch (error) {
    console.log(JSON.stringify({ seed, tried: seed - first + 1, violation: String(error) }));
    if (process.argv.includes('--stack')) console.log((error as Error).stack);
    process.exit(1);
  }
}
console.log(JSON.stringify(total));
