/**
 * `npm run chaos -- …`: a cluster of real processes behind relays, faults upon it, load with a history, and the judge.
 * Read in this order: scene.ts, faults.ts, injector.ts, relay.ts, generation.ts, report.ts; of the programs that hold locks:
 * locks/loop.ts, claim.ts, journal.ts, harms.ts, witness.ts. Exit codes: 0 all held; 1 something did not, or a cluster did
 * not start; 2 wrong options.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyvalError } from '../../src/errors.ts';
import { type ChaosOptions, parseChaosOptions, type ScenarioName } from './options.ts';
import type { Outcome } from './report.ts';
import type { Course } from './scenarios/course.ts';
import { runFaults } from './scenarios/faults.ts';
import { runLocks } from './scenarios/locks.ts';
import { runPlannedStop } from './scenarios/planned-stop.ts';
import { runStaleReads } from './scenarios/stale-reads.ts';
import { runTotalLoss } from './scenarios/total-loss.ts';
import { removeFolder } from './scene.ts';

const scenarios: Readonly<Record<ScenarioName, (course: Course) => Promise<Outcome>>> = {
  faults: runFaults,
  locks: runLocks,
  'planned-stop': runPlannedStop,
  'stale-reads': runStaleReads,
  'total-loss': runTotalLoss,
};

/** One bug breaks many keys. */
const FAILURES_SHOWN = 20;

async function main(): Promise<number> {
  const options = await parseChaosOptions(process.argv.slice(2));
  if (options === null) return 0;
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  console.log(`seed ${options.seed}; logs and histories in ${tmpdir()} until all has held`);
  let failed = false;
  for (const name of options.scenarios) {
    if (!stop.signal.aborted) failed = !(await passes(name, options, stop.signal)) || failed;
  }
  return failed ? 1 : 0;
}

async function passes(name: ScenarioName, options: ChaosOptions, stop: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'keyval-chaos-'));
  const { title, text, failures } = await scenarios[name]({ options, folder, say: console.log, stop }).catch(
    (error) => {
      console.log(`${name}: broke off; logs and histories: ${folder}`);
      throw error;
    },
  );
  console.log(`\n${title}\n\n${text}\n`);
  for (const failure of failures.slice(0, FAILURES_SHOWN)) console.log(`FAILED: ${failure}`);
  if (failures.length > FAILURES_SHOWN) console.log(`FAILED: and ${failures.length - FAILURES_SHOWN} more`);
  if (failures.length === 0) await removeFolder(folder);
  console.log(failures.length === 0 ? `${name}: passed\n` : `${name}: failed; logs and histories: ${folder}\n`);
  return failures.length === 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof KeyvalError && error.code === 'KV_USAGE';
  console.error(`chaos: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = isUsage ? 2 : 1;
}
