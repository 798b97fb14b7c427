/** The command line of `npm run simulate`. */
import { availableParallelism } from 'node:os';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { KeyvalError } from '../../src/errors.ts';
import type { LoadKind } from '../../src/testing/swarm.ts';
import { strictly } from '../strictly.ts';

export interface Options {
  readonly seeds: number;
  /** The first seed. */
  readonly seed: number;
  /** Every so many-th seed only: the share of one process. */
  readonly stride: number;
  readonly seconds: number;
  readonly nodes: number | undefined;
  readonly load: LoadKind;
  readonly once: boolean;
  readonly keepGoing: boolean;
  readonly jobs: number;
  readonly replay: number | undefined;
  readonly until: number | undefined;
  readonly only: string | undefined;
  readonly history: string | undefined;
  readonly shrink: boolean;
  /** Lines for the parent process instead of text for people. */
  readonly lines: boolean;
}

/** @throws KeyvalError KV_USAGE */
export async function parseOptions(): Promise<Options> {
  const parser = yargs(hideBin(process.argv))
    .scriptName('simulate')
    .usage(
      '$0 [options]\n\nRuns clusters in one process, each decided by a seed, through faults; judges what clients saw',
    )
    .option('seeds', { type: 'number', default: 20, describe: 'how many seeds' })
    .option('seed', { type: 'number', default: 1, describe: 'the first seed' })
    .option('seconds', { type: 'number', default: 60, describe: 'virtual seconds under faults' })
    .option('nodes', { type: 'number', describe: 'nodes of each cluster; default: the seed decides' })
    .option('load', {
      choices: ['all', 'locks'] as const,
      default: 'all' as const,
      describe: 'what clients do: all that they can, or hardly anything but locks',
    })
    .option('once', { type: 'boolean', default: false, describe: 'run each seed once instead of twice' })
    .option('keep-going', { type: 'boolean', default: false, describe: 'go on after a seed that fails' })
    .option('jobs', { type: 'number', default: availableParallelism(), describe: 'processes' })
    .option('replay', { type: 'number', describe: 'run this one seed and print its whole trace' })
    .option('until', { type: 'number', describe: 'with --replay: everything heals after so many seconds' })
    .option('only', { type: 'string', describe: "with --replay: these faults of the seed's list only, as 3,7:250" })
    .option('history', { type: 'string', describe: 'with --replay: write the history there, for npm run judge' })
    .option('shrink', { type: 'boolean', default: true, describe: 'make a failing run smaller before it is shown' })
    .option('stride', { type: 'number', default: 1, hidden: true })
    .option('lines', { type: 'boolean', default: false, hidden: true })
    .example('$0 --seeds 1000', 'a thousand clusters; exit code 1 when one breaks a rule')
    .example('$0 --seeds 1 --seconds 86400 --nodes 7 --once', 'a day of seven nodes')
    .example('$0 --seeds 400 --load locks', 'about a million grants')
    .example('$0 --replay 17 --only 3,7', 'seed 17 with two of its faults, told line by line');
  const parsed = await strictly(parser).parseAsync();
  for (const name of ['seeds', 'seed', 'seconds', 'nodes', 'jobs', 'stride'] as const) {
    const value = parsed[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= (name === 'seed' ? 0 : 1)))
      throw new KeyvalError('KV_USAGE', `--${name} must be a whole number above 0, not ${value}`);
  }
  const { nodes, replay, until, only, history } = parsed;
  return { ...parsed, nodes, replay, until, only, history };
}
