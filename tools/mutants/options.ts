/** The command line of `npm run mutants`. */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { KeyvalError } from '../../src/errors.ts';
import { strictly } from '../strictly.ts';

export interface Options {
  readonly only: string | undefined;
  readonly seeds: number | undefined;
  readonly seconds: number | undefined;
  readonly jobs: number;
  readonly fit: boolean;
}

/** @throws KeyvalError KV_USAGE */
export async function parseOptions(): Promise<Options> {
  const parser = yargs(hideBin(process.argv))
    .scriptName('mutants')
    .usage('$0 [options]\n\nBreaks the rules one by one, each in a copy of the source; every one must be noticed')
    .option('only', { type: 'string', describe: 'the mutants whose name, or rule, contains this' })
    .option('seeds', { type: 'number', describe: 'seeds at most; default: as the mutant says' })
    .option('seconds', { type: 'number', describe: 'virtual seconds of a seed; default: 30, and 20 of Raft alone' })
    .option('jobs', { type: 'number', default: 1, describe: 'mutants tried at a time' })
    .option('fit', { type: 'boolean', default: false, describe: 'only tell which no longer fit the source' })
    .example('$0 --only R5', 'what breaks rule R5');
  const { only, seeds, seconds, jobs, fit } = await strictly(parser).parseAsync();
  for (const [name, value] of Object.entries({ seeds, seconds, jobs })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      throw new KeyvalError('KV_USAGE', `--${name} must be a whole number above 0, not ${value}`);
  }
  return { only, seeds, seconds, jobs, fit };
}
