/** The course of a bench: starts everything, runs case after case in turns, stops everything. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BenchCluster } from './bench-cluster.ts';
import { type Case, frameBytes } from './cases.ts';
import { MeasuringProcess } from './measuring-process.ts';
import type { RunRequest } from './messages.ts';
import type { BenchOptions } from './options.ts';
import type { Round } from './ratio.ts';
import { type CaseResult, machineFacts, type Report } from './report.ts';

/** Part of the measured time that a run warms up before, unless it is the first. */
const WARM_UP_PART = 0.2;

const echoEntry = fileURLToPath(new URL('./echo-client.ts', import.meta.url));

export interface Course {
  /** The checkout to measure. */
  readonly checkout: string;
  /** Where the logs of the nodes go. */
  readonly folder: string;
  readonly options: BenchOptions;
  /** Told after every round. */
  readonly onRound: (benchCase: Case, rounds: readonly Round[]) => void;
}

interface Contenders {
  readonly keyval: BenchCluster;
  readonly other: BenchCluster | null;
  readonly echo: MeasuringProcess;
}

export async function run(course: Course): Promise<Report> {
  const { seconds, pairs, keys, cpuProf, against, cases } = course.options;
  const machine = machineFacts();
  const startedAt = new Date().toISOString();
  await using stack = new AsyncDisposableStack();
  const contenders = await startContenders(course, stack);
  const results: CaseResult[] = [];
  for (const benchCase of cases) results.push({ benchCase, rounds: await runCase(course, benchCase, contenders) });
  return { startedAt, machine, seconds, pairs, keys, isProfiled: cpuProf !== null, against, results };
}

async function startContenders(
  { checkout, folder, options }: Course,
  stack: AsyncDisposableStack,
): Promise<Contenders> {
  const { port, keys, cpuProf, against } = options;
  if (cpuProf !== null) mkdirSync(cpuProf, { recursive: true });
  const start = async (of: string, profileFolder: string | null): Promise<BenchCluster> => {
    const logFolder = join(folder, 'logs');
    const cluster = await BenchCluster.start({ checkout: of, port, keys, logFolder, profileFolder });
    stack.defer(() => cluster.stop());
    return cluster;
  };
  const keyval = await start(checkout, cpuProf);
  const other = against === null ? null : await start(against, null);
  const echo = new MeasuringProcess(echoEntry, []);
  stack.defer(() => echo.stop());
  await echo.ready;
  return { keyval, other, echo };
}

async function runCase(course: Course, benchCase: Case, contenders: Contenders): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let round = 1; round <= course.options.pairs; round += 1) {
    rounds.push(await runRound(course.options, benchCase, round, contenders));
    course.onRound(benchCase, rounds);
  }
  return rounds;
}

async function runRound(options: BenchOptions, benchCase: Case, round: number, contenders: Contenders): Promise<Round> {
  const { keyval, other, echo } = contenders;
  const { operation, loops, measure } = benchCase;
  const { seconds, cpuProf } = options;
  const warmUpSeconds = round === 1 ? options.warmUpSeconds : seconds * WARM_UP_PART;
  const request: RunRequest = {
    type: 'run',
    operation,
    loops,
    measure,
    seconds,
    warmUpSeconds,
    frameBytes: frameBytes(operation),
    profile: null,
  };
  const label = `${benchCase.name}-${round}`;
  const profile = cpuProf === null ? null : { folder: cpuProf, label, nodePid: keyval.profiledPid };
  return {
    keyval: await Promise.race([keyval.client.run({ ...request, profile }), keyval.casualty]),
    other: other === null ? null : await Promise.race([other.client.run(request), other.casualty]),
    echo: await echo.run(request),
  };
}
