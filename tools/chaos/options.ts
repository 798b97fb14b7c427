/** The options of `npm run chaos -- …`. */
import {
  commandLine,
  explainMistake,
  flag,
  type OptionTable,
  splitAtDashes,
  valued,
} from '../../src/cli/shared/command-line.ts';
import { type RawValues, usage, Values } from '../../src/cli/shared/values.ts';
import type { FaultCounts } from './faults.ts';

export const scenarioNames = ['faults', 'locks', 'planned-stop', 'stale-reads', 'total-loss'] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export interface ChaosOptions extends FaultCounts {
  readonly scenarios: readonly ScenarioName[];
  readonly nodes: number;
  readonly seconds: number;
  /** Operations a second. */
  readonly rate: number;
  readonly keys: number;
  readonly loops: number;
  /** Programs of the scenario `locks`. */
  readonly lockClients: number;
  /** Loops of each of them. */
  readonly lockLoops: number;
  readonly seed: number;
  readonly port: number;
  /** Histories are kept as FILE-1, FILE-2, …; null: as long as nothing is wrong with them, they are not. */
  readonly history: string | null;
  readonly verbose: boolean;
}

const NAME = 'chaos';
const SEED_MAX: number = 2 ** 32 - 1;
const LOOPS_MAX = 20_000;

const defaults = {
  nodes: 5,
  seconds: 900,
  rate: 5000,
  kills: 100,
  pauses: 30,
  partitions: 30,
  nuisances: 5,
  keys: 200,
  loops: 3000,
  'lock-clients': 6,
  'lock-loops': 6,
  port: 27_360,
} as const;

const options: OptionTable = {
  scenario: valued(`${scenarioNames.join(', ')}, several with commas, or all`, 'faults'),
  nodes: valued('how many nodes', `${defaults.nodes}`),
  seconds: valued('over how long the faults are spread; at most twice as long', `${defaults.seconds}`),
  rate: valued('operations a second', `${defaults.rate}`),
  kills: valued('how many kill −9, each with a restart', `${defaults.kills}`),
  pauses: valued('how many SIGSTOP of 0.7 to 5 s', `${defaults.pauses}`),
  partitions: valued('how many partitions of the network, one-way and full', `${defaults.partitions}`),
  nuisances: valued('how many delays, clogs and resets of connections, of each', `${defaults.nuisances}`),
  keys: valued('how many keys at a time', `${defaults.keys}`),
  loops: valued('how many operations may wait at once', `${defaults.loops}`),
  'lock-clients': valued('locks: how many programs hold and want locks', `${defaults['lock-clients']}`),
  'lock-loops': valued('locks: how many loops in each', `${defaults['lock-loops']}`),
  seed: valued('decides which faults and operations come', 'random'),
  port: valued('of nodes and relays, on addresses of their own', `${defaults.port}`),
  history: valued('keep the histories as FILE-1, FILE-2, …, that of locks as FILE-locks, for `npm run judge`'),
  verbose: flag('a line for every fault'),
};

const EPILOGUE = `Nodes listen on 127.0.0.11 and on, each behind a relay at 127.0.1.11 and on, which delays, cuts and resets.
Scenarios: faults (kills, pauses, partitions and more under load, judged), locks (the same upon nodes,
while programs that hold locks are killed, paused for up to ten leases and cut off; judged), planned-stop
(SIGTERM to each node in turn: no errors), stale-reads (a paused primary wakes behind its successor),
total-loss (all nodes killed at once and restarted).

Ctrl-C and SIGTERM end a run early, with its result.
Exit codes: 0 all held; 1 something did not; 2 wrong options.`;

/** Null when help or the version was asked for, and printed. @throws KeyvalError KV_USAGE naming the option */
export async function parseChaosOptions(argv: readonly string[]): Promise<ChaosOptions | null> {
  const { args, rest } = splitAtDashes(argv);
  const raw = await parse(args);
  const surplus = [...raw._, ...(rest ?? [])][0];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; see npm run ${NAME} -- --help`);
  if (raw.help === true || raw.version === true) return null;
  const values = new Values(raw);
  const number = (name: keyof typeof defaults, min: number, max: number): number =>
    values.whole(name, min, max) ?? defaults[name];
  return {
    scenarios: scenariosIn(values.text('scenario') ?? 'faults'),
    nodes: number('nodes', 3, 20),
    seconds: number('seconds', 1, 86_400),
    rate: number('rate', 1, 100_000),
    kills: number('kills', 0, 10_000),
    pauses: number('pauses', 0, 10_000),
    partitions: number('partitions', 0, 10_000),
    nuisances: number('nuisances', 0, 10_000),
    keys: number('keys', 1, 10_000),
    loops: number('loops', 1, LOOPS_MAX),
    lockClients: number('lock-clients', 2, 40),
    lockLoops: number('lock-loops', 1, 200),
    seed: values.whole('seed', 0, SEED_MAX) ?? Math.floor(Math.random() * SEED_MAX),
    port: number('port', 1024, 65_535),
    history: values.text('history') ?? null,
    verbose: values.flag('verbose'),
  };
}

async function parse(args: readonly string[]): Promise<RawValues> {
  try {
    const what =
      'Faults on a cluster of real processes under load: what clients see, and whether all that was promised held.';
    const parser = commandLine(NAME, args)
      .usage(`Usage: npm run ${NAME} -- [options]\n\n${what}`)
      .options(options)
      .epilogue(EPILOGUE);
    return (await parser.parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NAME, args, [...Object.keys(options), 'help', 'version'], error);
  }
}

function scenariosIn(text: string): readonly ScenarioName[] {
  if (text === 'all') return scenarioNames;
  return text.split(',').map((name) => {
    const known = scenarioNames.find((scenario) => scenario === name.trim());
    if (known !== undefined) return known;
    throw usage(`--scenario: there is no '${name}'; there are ${scenarioNames.join(', ')} and all`);
  });
}
