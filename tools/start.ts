/**
 * `npm start`: three nodes as three processes on this machine, until Ctrl-C. Exit codes: 0 stopped on request (Ctrl-C,
 * SIGTERM, SIGHUP, the end of npm), 1 a node could not start or died, 2 wrong options.
 */
import { fileURLToPath } from 'node:url';
import { parseStartOptions, type StartOptions, UsageError, usage } from './start/options.ts';
import { run } from './start/run.ts';
import { stopSignal } from './start/stop-signal.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = readOptions();
if (options !== null) process.exitCode = await run(root, options, stopSignal(options.parent));

/** Null when there is nothing to run, because help was asked for or an option is wrong. */
function readOptions(): StartOptions | null {
  try {
    const options = parseStartOptions(process.argv.slice(2));
    if (options.help) console.log(usage);
    return options.help ? null : options;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return null;
  }
}
