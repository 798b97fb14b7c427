/**
 * Runs seeds one after the other until one notices something, in the copy of the source that this file lies in:
 * `seeds.ts simulate|raft FIRST COUNT SECONDS`. Prints a line of JSON before each seed and after one that noticed.
 */
import type { SeedEvent } from './attempt.ts';

type Run = (seed: number, seconds: number) => Promise<string | null>;

const ways: Readonly<Record<string, () => Promise<Run>>> = {
  simulate: async () => {
    const { runScenario } = await import('../../src/testing/scenario.ts');
    return async (seed, seconds) => (await runScenario({ seed, seconds })).breach?.rule ?? null;
  },
  raft: async () => {
    const { runSeed } = await import('../../test/raft/support/world.ts');
    return async (seed, seconds) => {
      try {
        runSeed(seed, seconds * 1000);
        return null;
      } catch (error) {
        return String(error);
      }
    };
  },
};

Error.stackTraceLimit = 0; // most errors are foreseen, and what notices is told by its first line

const [way = '', ...numbers] = process.argv.slice(2);
const [first, count, seconds] = numbers.map(Number) as [number, number, number];

let seed = first;
process.on('unhandledRejection', (error) => {
  tell({ seed, noticed: `crash: ${error instanceof Error ? error.message : String(error)}` });
  process.exit(0);
});

function tell(event: SeedEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

const run = await (ways[way] as () => Promise<Run>)();
for (; seed < first + count; seed += 1) {
  tell({ seed, noticed: null });
  const noticed = await run(seed, seconds);
  if (noticed === null) continue;
  tell({ seed, noticed });
  break;
}
