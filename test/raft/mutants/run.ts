/**
 * `node test/raft/mutants/run.ts [--seeds N] [NAME]`: tries all mutants of the Raft core, or those whose name contains
 * NAME. Exit code 1 when one survives.
 */
import { mutants } from './mutants.ts';
import { tryMutant } from './scratch.ts';

const words = process.argv.slice(2);
const seedsAt = words.indexOf('--seeds');
const seeds = seedsAt < 0 ? 1000 : Number(words.splice(seedsAt, 2)[1]);
const chosen = mutants.filter(({ name }) => name.includes(words[0] ?? ''));

console.log('| mutant | rule | seeds | caught as |\n|---|---|---|---|');
for (const mutant of chosen) {
  const { isCaught, seeds: tried, how } = await tryMutant(mutant, seeds, 20_000);
  if (!isCaught) process.exitCode = 1;
  const caughtAs = isCaught ? how.replace(/^(?:Violation|AssertionError): /, '').slice(0, 80) : '**survived**';
  console.log(`| ${mutant.name} | ${mutant.rule} | ${tried} | ${caughtAs} |`);
}
