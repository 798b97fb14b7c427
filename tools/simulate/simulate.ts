/**
 * `npm run simulate`: whole clusters in one process, decided by seeds, through faults.
 *
 * Exit codes: 0 every seed passed; 1 a seed broke a rule; 2 a wrong option; 3 all passed, but something that must be tried
 * never happened.
 */
import { writeFileSync } from 'node:fs';
import { KeyvalError } from '../../src/errors.ts';
import { runSeed, runSeeds } from '../../src/testing/campaign.ts';
import { faultsAsText, faultsOfText } from '../../src/testing/replay.ts';
import { plannedFaults, type RunOptions, type RunResult, runScenario } from '../../src/testing/scenario.ts';
import { shrink } from '../../src/testing/shrink.ts';
import { runShared, type SeedLine } from './jobs.ts';
import { type Options, parseOptions } from './options.ts';
import { formatCounters, formatFailure, SEEDS_FOR_ALL } from './report.ts';

const ExitCode = { passed: 0, failed: 1, usage: 2, untried: 3 } as const;
/** A failing run is made smaller by so many runs, fewer where they are long. */
const SHRINK_RUNS_MAX = 60;
const SHRINK_RUNS_MIN = 4;
const SHRINK_SECONDS_MAX = 3600;

async function main(): Promise<number> {
  try {
    const options = await parseOptions();
    if (options.replay !== undefined) return await replay(options, options.replay);
    if (options.lines) return await tellLines(options);
    return await campaign(options);
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    process.stderr.write(`simulate: ${error.code}: ${error.message}\n`);
    return ExitCode.usage;
  }
}

async function campaign(options: Options): Promise<number> {
  const progress = (line: SeedLine): void => {
    if (line.rule !== null) process.stdout.write(`seed ${line.seed}: ${line.rule}\n`);
  };
  const { counters, failed, cpuSeconds } = await runShared(options, progress);
  process.stdout.write(`${formatCounters(counters, cpuSeconds, options.once ? 1 : 2)}\n`);
  const [first] = failed;
  if (first !== undefined) {
    process.stdout.write(`\n${failed.length} seeds failed: ${failed.join(', ')}\n\n${await explain(first, options)}\n`);
    return ExitCode.failed;
  }
  if (options.load !== 'all' || options.seeds < SEEDS_FOR_ALL || counters.missing.length === 0) return ExitCode.passed;
  process.stdout.write(`\nnever happened: ${counters.missing.join(', ')}\n`);
  return ExitCode.untried;
}

/** A failing seed, made smaller, with the command that shows it again. */
async function explain(seed: number, options: Options): Promise<string> {
  const { seconds, nodes, load } = options;
  const run = runOptions(seed, options);
  const failing = await runSeed({ ...run, trace: true }, !options.once);
  if (failing.breach === null) return `seed ${seed} passes when it is run alone`;
  const again = `npm run simulate -- --replay ${seed} --seconds ${seconds}${nodes === undefined ? '' : ` --nodes ${nodes}`}${load === 'all' ? '' : ` --load ${load}`}`;
  if (!options.shrink || failing.breach.rule === 'not deterministic') return formatFailure(failing, again);
  const runsMax = Math.max(SHRINK_RUNS_MIN, Math.floor(SHRINK_SECONDS_MAX / seconds));
  const { result, untilSeconds } = await shrink(failing, run, Math.min(runsMax, SHRINK_RUNS_MAX));
  const only = faultsAsText(result.faults, failing.faults);
  return formatFailure(result, `${again} --until ${untilSeconds} --only '${only}'`);
}

function runOptions(seed: number, { seconds, nodes, load }: Options): RunOptions {
  return { seed, seconds, load, ...(nodes === undefined ? {} : { nodes }) };
}

async function replay(options: Options, seed: number): Promise<number> {
  const { until, only, history } = options;
  const run = runOptions(seed, options);
  const planned = only === undefined ? undefined : plannedFaults(run);
  const result = await runScenario({
    ...run,
    trace: true,
    ...(until === undefined ? {} : { untilSeconds: until }),
    ...(planned === undefined ? {} : { faults: faultsOfText(only as string, planned) }),
  });
  process.stdout.write(`${result.trace.join('\n')}\n`);
  if (history !== undefined) writeHistory(history, result);
  const verdict = result.breach === null ? 'passes' : `breaks '${result.breach.rule}': ${result.breach.text}`;
  process.stdout.write(`\nseed ${seed} ${verdict}\nhash ${result.hash}, ${result.counters.events} events\n`);
  return result.breach === null ? ExitCode.passed : ExitCode.failed;
}

/** One file for each time all nodes were started. */
function writeHistory(path: string, { histories }: RunResult): void {
  histories.forEach((lines, index) => {
    writeFileSync(index === 0 ? path : `${path}.${index + 1}`, `${lines.join('\n')}\n`);
  });
}

/** The share of one process: a line per seed. */
async function tellLines(options: Options): Promise<number> {
  const { seed, seeds, stride, seconds, nodes, load, once, keepGoing } = options;
  Error.stackTraceLimit = 0; // most errors are foreseen; a seed that fails is run again, with its whole trace
  let cpu = process.cpuUsage();
  const { failures } = await runSeeds({
    seeds: Array.from({ length: seeds }, (_, index) => seed + index * stride),
    seconds,
    load,
    ...(nodes === undefined ? {} : { nodes }),
    twice: !once,
    stopAtFailure: !keepGoing,
    onSeed: ({ seed: ran, breach, counters }) => {
      const used = process.cpuUsage(cpu);
      cpu = process.cpuUsage();
      const line: Omit<SeedLine, 'counters'> & { counters: unknown } = {
        seed: ran,
        rule: breach?.rule ?? null,
        cpuSeconds: (used.user + used.system) / 1e6,
        counters,
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    },
  });
  return failures.length === 0 ? ExitCode.passed : ExitCode.failed;
}

process.exitCode = await main();
