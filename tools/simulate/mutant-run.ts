/**
 * Runs seeds against a mutated copy of the source until one notices: `mutant-run.ts SOURCE SEEDS SECONDS`. Prints a line of
 * JSON; a mutant that ends the process has been noticed, too.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface MutantVerdict {
  /** The first seed that noticed; null: none. */
  readonly seed: number | null;
  readonly rule: string;
}

const [source, seeds, seconds] = process.argv.slice(2) as [string, string, string];
const program = pathToFileURL(join(source, 'testing', 'scenario.ts')).href;
const { runScenario } = (await import(program)) as typeof import('../../src/testing/scenario.ts');

let seed = 0;
process.on('unhandledRejection', (error) => {
  tell({ seed, rule: `crash: ${error instanceof Error ? error.message : String(error)}` });
  process.exit(0);
});

function tell(verdict: MutantVerdict): void {
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}

async function look(): Promise<MutantVerdict> {
  for (seed = 1; seed <= Number(seeds); seed += 1) {
    const { breach } = await runScenario({ seed, seconds: Number(seconds) });
    if (breach !== null) return { seed, rule: breach.rule };
  }
  return { seed: null, rule: '' };
}

tell(await look());
