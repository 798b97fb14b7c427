/**
 * `npm run mutants`: breaks one rule after the other, each in a copy of the source; seeds or tests must notice every one.
 *
 * Exit codes: 0 all were noticed; 1 one was not; 2 a wrong option, a mutant that no longer fits the source, or a seed that
 * fails although nothing is broken.
 */
import { KeyvalError } from '../../src/errors.ts';
import { type Hunted, hunt, Unbroken } from './hunt.ts';
import { type Options, parseOptions } from './options.ts';
import type { Mutant } from './patch.ts';
import { readMutants, unfit } from './patches.ts';
import { Scratch } from './scratch.ts';

const ExitCode = { passed: 0, failed: 1, usage: 2 } as const;
/** Of what noticed, in the table. */
const NOTICED_CHARACTERS_MAX = 70;

async function main(): Promise<number> {
  try {
    const options = await parseOptions();
    const chosen = choose(readMutants(), options.only);
    mustFit(chosen);
    if (options.fit) print(`all ${chosen.length} mutants fit the source`);
    return options.fit || (await huntAll(chosen, options)) ? ExitCode.passed : ExitCode.failed;
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    process.stderr.write(`mutants: ${error.code}: ${error.message}\n`);
    return ExitCode.usage;
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function choose(mutants: readonly Mutant[], only: string | undefined): readonly Mutant[] {
  const chosen = mutants.filter(({ name, rule }) => only === undefined || name.includes(only) || rule === only);
  if (chosen.length === 0) throw new KeyvalError('KV_USAGE', `--only: no mutant, and no rule, is called '${only}'`);
  return chosen;
}

function mustFit(mutants: readonly Mutant[]): void {
  const reasons = unfit(mutants).map(({ why }) => why);
  if (reasons.length > 0) throw new KeyvalError('KV_USAGE', reasons.join('\n  '));
}

/** True when all were noticed. */
async function huntAll(chosen: readonly Mutant[], options: Options): Promise<boolean> {
  using copy = new Scratch();
  const limits = { seedsMax: options.seeds, seconds: options.seconds };
  const unbroken = new Unbroken(copy, limits);
  for (const how of new Set(chosen.map((mutant) => mutant.how))) await unbroken.mustPass(how);
  print('| mutant | rule | noticed as | seeds | seconds |');
  print('|---|---|---|--:|--:|');
  const queue = [...chosen];
  let unnoticed = 0;
  const worker = async (): Promise<void> => {
    using scratch = new Scratch();
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const hunted = await hunt(scratch, unbroken, next, limits);
      if (hunted.noticed === null) unnoticed += 1;
      print(row(hunted));
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, chosen.length) }, worker));
  print(`\n${chosen.length - unnoticed} of ${chosen.length} mutants noticed`);
  return unnoticed === 0;
}

function row({ mutant, noticed, seeds, seconds }: Hunted): string {
  const what = noticed?.replace(/^(?:Violation|AssertionError): /, '').replaceAll('|', '/');
  const short = what === undefined ? '**nothing**' : what.slice(0, NOTICED_CHARACTERS_MAX);
  return `| ${mutant.breaks} | ${mutant.rule} | ${short} | ${seeds === 0 ? '' : seeds} | ${seconds.toFixed(1)} |`;
}

process.exitCode = await main();
