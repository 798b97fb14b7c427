/** The options of `npm run fuzz -- …`. */
import { commandLine, explainMistake, flag, type OptionTable, valued } from '../../src/cli/shared/command-line.ts';
import { type RawValues, usage, Values } from '../../src/cli/shared/values.ts';

export interface FuzzOptions {
  readonly seconds: number;
  readonly targets: readonly string[];
  readonly seed: number;
  /** Folder of the inputs kept, one folder a target. */
  readonly corpus: string;
  readonly workers: number;
  readonly json: boolean;
  /** File of a finding to run again, instead of everything else. */
  readonly reproduce: string | null;
  /** Folder for the inputs that together reach all that is reached, instead of fuzzing. */
  readonly distil: string | null;
}

const NAME = 'fuzz';
const DEFAULT_SECONDS = 60;
const DEFAULT_CORPUS = '.cache/fuzz';
const SECONDS_MAX = 1_000_000;
const WORKERS_MAX = 64;
const SEED_MAX: number = 2 ** 32 - 1;

const EPILOGUE = `What is found is written below the corpus' folder, in findings/, and can be seen again with --reproduce.
Exit codes: 0 nothing found; 1 something found; 2 wrong options.`;

/**
 * Null when help or the version was asked for, and printed.
 * @throws KeyvalError KV_USAGE naming the option
 */
export async function parseFuzzOptions(
  argv: readonly string[],
  targetNames: readonly string[],
): Promise<FuzzOptions | null> {
  const table: OptionTable = {
    seconds: valued('how long', `${DEFAULT_SECONDS}`),
    target: valued(`only these, with commas: ${targetNames.join(', ')}`, 'all'),
    seed: valued('decides which inputs come', 'random'),
    corpus: valued('folder of the inputs worth keeping', DEFAULT_CORPUS),
    workers: valued('threads, each with all targets', '1'),
    json: flag('the report as JSON'),
    reproduce: valued('runs the inputs of this finding, and nothing else'),
    distil: valued('writes the inputs that together reach all that the corpus reaches to this folder'),
  };
  const raw = await parse(argv, table);
  const surplus = raw._[0];
  if (surplus !== undefined) throw usage(`unexpected argument '${surplus}'; see npm run ${NAME} -- --help`);
  if (raw.help === true || raw.version === true) return null;
  const values = new Values(raw);
  return {
    seconds: values.whole('seconds', 1, SECONDS_MAX) ?? DEFAULT_SECONDS,
    targets: known(values.list('target') ?? targetNames, targetNames),
    seed: values.whole('seed', 0, SEED_MAX) ?? Math.floor(Math.random() * SEED_MAX),
    corpus: values.text('corpus') ?? DEFAULT_CORPUS,
    workers: values.whole('workers', 1, WORKERS_MAX) ?? 1,
    json: values.flag('json'),
    reproduce: values.text('reproduce') ?? null,
    distil: values.text('distil') ?? null,
  };
}

async function parse(argv: readonly string[], table: OptionTable): Promise<RawValues> {
  try {
    const title = `Usage: npm run ${NAME} -- [options]\n\nTries mutated inputs on decoder, codecs and handlers, guided by coverage.`;
    return (await commandLine(NAME, argv).usage(title).options(table).epilogue(EPILOGUE).parseAsync()) as RawValues;
  } catch (error) {
    throw explainMistake(NAME, argv, [...Object.keys(table), 'help', 'version'], error);
  }
}

function known(names: readonly string[], targetNames: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !targetNames.includes(name));
  if (unknown !== undefined) throw usage(`--target is ${targetNames.join(', ')}, not '${unknown}'`);
  return names;
}
