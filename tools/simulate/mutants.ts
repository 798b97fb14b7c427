/** `npm run simulate -- --mutants`: breaks one rule after the other in a copy of the source; each must be noticed. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Mutant, mutants } from '../../test/testing/mutants/mutants.ts';
import { MutantCopy, mutated } from './mutant-copy.ts';
import type { MutantVerdict } from './mutant-run.ts';
import type { Options } from './options.ts';

const RUNNER: string = fileURLToPath(new URL('mutant-run.ts', import.meta.url));
/** A mutant must be noticed within so many seeds of so many virtual seconds. */
export const SEEDS_MAX = 60;
const SECONDS = 30;
/** A mutant that makes the simulator turn in a circle is noticed by that. */
const RUN_MS_MAX = 600_000;

/** True when every mutant was noticed. @throws KeyvalError KV_USAGE when one no longer fits the source */
export async function runMutants({ mutant, jobs }: Options): Promise<boolean> {
  const chosen = mutants.filter(({ name }) => mutant === undefined || name.includes(mutant));
  for (const one of chosen) mutated(one); // all fit, before the long run
  if (!(await passesUnbroken(chosen))) return false;
  process.stdout.write('seed  noticed as            mutant\n');
  const queue = [...chosen];
  let unnoticed = 0;
  await Promise.all(
    Array.from({ length: Math.min(jobs, queue.length) }, async () => {
      using copy = new MutantCopy();
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        copy.apply(next);
        const { seed, rule } = await notice(copy, next);
        copy.restore(next);
        if (seed === null) unnoticed += 1;
        const short = rule.slice(0, 20).padEnd(20);
        process.stdout.write(`${String(seed ?? 'NONE').padStart(4)}  ${short}  ${next.name}\n`);
      }
    }),
  );
  process.stdout.write(`${chosen.length - unnoticed} of ${chosen.length} mutants noticed\n`);
  return unnoticed === 0;
}

/** A seed that fails anyway would seem to notice whatever is broken. */
async function passesUnbroken(chosen: readonly Mutant[]): Promise<boolean> {
  using copy = new MutantCopy();
  const seeds = Math.max(...chosen.map((mutant) => mutant.seeds ?? SEEDS_MAX));
  const { seed, rule } = await notice(copy, { name: 'none', edits: [], seeds });
  if (seed === null) return true;
  process.stdout.write(
    `seed ${seed} fails without any mutant (${rule}): npm run simulate -- --replay ${seed} --seconds ${SECONDS}\n`,
  );
  return false;
}

/** Runs seeds against the copy until one notices. */
export async function notice(copy: MutantCopy, { seeds = SEEDS_MAX }: Mutant): Promise<MutantVerdict> {
  const child = spawn(process.execPath, [RUNNER, copy.source, String(seeds), String(SECONDS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const line = output.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as MutantVerdict;
  if (errors.includes('ERR_MODULE_NOT_FOUND') || errors.includes('SyntaxError'))
    throw new Error(`the mutant does not run: ${errors}`);
  return { seed: 0, rule: `process ended: ${errors.split('\n').find((text) => text.includes('Error')) ?? 'stuck'}` };
}
