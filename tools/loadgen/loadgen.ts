/**
 * `npm run loadgen -- …`: load on a cluster, from a mix of random operations. SIGTERM, Ctrl-C and SIGHUP end the run early,
 * with its table. Exit codes: 0 done; 1 updates were lost, or no node answers; 2 wrong options.
 */
import { ExitCode, KeyvalError } from '../../src/errors.ts';
import { parseCommandLine } from './options.ts';
import { exitCodeOf } from './report.ts';
import { runLoad } from './run.ts';
import { reportText } from './table.ts';

/** Set to 1, increments leave their lock out, so that a test sees `--verify` find lost updates. */
const SKIP_LOCK_VARIABLE = 'KEYVAL_LOADGEN_SKIP_LOCK';

/** Aborts with the first signal. Stopping takes bounded time, and npm forwards signals that came already: later ones change nothing. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

async function main(): Promise<number> {
  const stop = stopSignal();
  const options = await parseCommandLine(process.argv.slice(2));
  if (options === null) return ExitCode.ok;
  const skipLock = process.env[SKIP_LOCK_VARIABLE] === '1';
  const report = await runLoad(options, { stop, terminal: process.stderr, skipLock });
  console.log(options.output === 'json' ? JSON.stringify(report, null, 2) : reportText(report));
  return exitCodeOf(report);
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof KeyvalError)) throw error;
  console.error(`loadgen: ${error.code}: ${error.message}`);
  process.exitCode = error.code === 'KV_USAGE' ? ExitCode.usage : ExitCode.error;
}
