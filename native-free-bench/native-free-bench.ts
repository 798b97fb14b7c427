/**
 * `npm run native-free-bench`: what native add-ons are worth. The frame path of a WebSocket library that has one, and
 * keyval's own paths, which have none, in three modes of the same Node.js. With `--suite` the tests run without add-ons.
 * Exit codes: 0 done; 1 failed, or a mode was not what it says; 2 wrong options.
 */
import { machineFacts } from '../tools/bench/report.ts';
import { type NativeFreeOptions, parseNativeFreeOptions, UsageError, usage } from './options.ts';
import { toMarkdown } from './report.ts';
import { run } from './run.ts';
import { runSuite, verdictOf } from './suite.ts';

const options = readOptions();
if (options !== null) await (options.suite ? testWithoutAddons(options) : measure(options));

async function measure(options: NativeFreeOptions): Promise<void> {
  const machine = machineFacts();
  const report = await run({ ...options, onProgress: (what) => process.stderr.write(`${what}\n`) });
  const json = (): string => `${JSON.stringify({ machine, ...report }, null, 2)}\n`;
  process.stdout.write(options.json ? json() : toMarkdown(report, machine));
}

async function testWithoutAddons({ files }: NativeFreeOptions): Promise<void> {
  const outcome = await runSuite(files, 'inherit');
  const { isGood, text } = verdictOf(outcome);
  console.log(text);
  process.exitCode = isGood ? 0 : outcome.exitCode || 1;
}

/** Null when there is nothing to run, because help was asked for or an option is wrong. */
function readOptions(): NativeFreeOptions | null {
  try {
    const options = parseNativeFreeOptions(process.argv.slice(2));
    if (options.help) console.log(usage);
    return options.help ? null : options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}
