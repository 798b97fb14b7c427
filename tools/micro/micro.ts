/**
 * `npm run micro`: what one operation of each structure on the hot paths takes, what a key takes in memory, and how long
 * the garbage collector stops a process that holds many. Exit codes: 0 done; 1 failed; 2 wrong options.
 */
import { machineFacts } from '../bench/report.ts';
import { type MicroOptions, parseMicroOptions, UsageError, usage } from './options.ts';
import { toMarkdown } from './report.ts';
import { run } from './run.ts';

const options = readOptions();
if (options !== null) await main(options);

async function main(options: MicroOptions): Promise<void> {
  const machine = machineFacts();
  const report = await run(options, (what) => process.stderr.write(`${what}\n`));
  const json = (): string => `${JSON.stringify({ machine, ...report }, null, 2)}\n`;
  process.stdout.write(options.json ? json() : toMarkdown(report, machine));
}

/** Null when there is nothing to run, because help was asked for or an option is wrong. */
function readOptions(): MicroOptions | null {
  try {
    const options = parseMicroOptions(process.argv.slice(2));
    if (options.help) console.log(usage);
    return options.help ? null : options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}
