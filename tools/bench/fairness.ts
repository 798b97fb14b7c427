/**
 * `npm run fairness`: many loops want one lock. How often each gets it, and how long each waits, on three nodes.
 *
 * Exit codes: 0 measured; 1 a node ended; 2 a wrong option.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { connect, KeyvalError } from '../../src/index.ts';
import { machineTime } from '../machine-time.ts';
import { nextFreePort, planAddresses } from '../start/addresses.ts';
import { LocalCluster } from '../start/local-cluster.ts';
import { strictly } from '../strictly.ts';
import { Fairness } from './fairness-figures.ts';

const NODES = 3;
const STOP_GRACE_MS = 2000;
/** Four processes on two cores take this long to compile what they run. */
const WARM_UP_SECONDS = 10;
const ENTRY: string = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));

async function main(): Promise<number> {
  const options = await strictly(
    yargs(hideBin(process.argv))
      .scriptName('fairness')
      .usage('$0 [options]\n\nLoops that all want one lock: how often each gets it, how long each waits')
      .option('clients', { type: 'number', default: 4, describe: 'clients, all in this process' })
      .option('loops', { type: 'number', default: 64, describe: 'loops, shared among the clients' })
      .option('seconds', { type: 'number', default: 10, describe: 'how long it is measured' })
      .option('port', { type: 'number', default: 25_600, describe: 'from which port on free ones are looked for' }),
  ).parseAsync();
  for (const name of ['clients', 'loops', 'seconds', 'port'] as const) {
    if (Number.isSafeInteger(options[name]) && options[name] > 0) continue;
    process.stderr.write(`fairness: KV_USAGE: --${name} must be a whole number above 0, not ${options[name]}\n`);
    return 2;
  }
  process.stdout.write(`${(await measured(options)).text()}\n`);
  return 0;
}

interface Options {
  readonly clients: number;
  readonly loops: number;
  readonly seconds: number;
  readonly port: number;
}

async function measured({ clients, loops, seconds, port }: Options): Promise<Fairness> {
  const free = await nextFreePort(NODES, port - 1);
  if (free === null)
    throw new KeyvalError('KV_USAGE', `found no free port from ${port} on; choose another with --port`);
  const { addresses } = await planAddresses(NODES, free);
  const logFolder = mkdtempSync(join(tmpdir(), 'keyval-fairness-'));
  const cluster = new LocalCluster({ entry: ENTRY, addresses, logFolder });
  try {
    await cluster.ready;
    const endpoints = cluster.nodes.map(({ address }) => address);
    const all = await Promise.all(Array.from({ length: clients }, () => connect(endpoints)));
    const figures = new Fairness(loops);
    const beginMs = performance.now() + WARM_UP_SECONDS * 1000;
    const endMs = beginMs + seconds * 1000;
    let sections = 0;
    const watch = watchStolen(figures, beginMs, seconds);
    await Promise.all(
      Array.from({ length: loops }, async (_, loop) => {
        const kv = all[loop % clients] as (typeof all)[number];
        for (let now = performance.now(); now < endMs; ) {
          const before = sections;
          const lock = await kv.lock('the one lock', { fetch: false });
          const waitedMs = performance.now() - now;
          const others = sections - before;
          sections += 1;
          if (now >= beginMs) figures.section(loop, { waitedMs, others, second: Math.floor((now - beginMs) / 1000) });
          await lock.release();
          now = performance.now();
        }
      }),
    );
    await watch;
    figures.seconds = seconds;
    await Promise.all(all.map((kv) => kv.close()));
    return figures;
  } finally {
    await cluster.stop(STOP_GRACE_MS);
    rmSync(logFolder, { recursive: true, force: true });
  }
}

/** Notes for each second how much of the processors the host took. */
async function watchStolen(figures: Fairness, beginMs: number, seconds: number): Promise<void> {
  await delay(beginMs - performance.now());
  let [atMs, { stolenMs }] = [performance.now(), machineTime()];
  for (let second = 1; second <= seconds; second += 1) {
    await delay(beginMs + second * 1000 - performance.now());
    const [nowMs, now] = [performance.now(), machineTime()];
    figures.stolen.push((now.stolenMs - stolenMs) / (nowMs - atMs) / cpus().length);
    [atMs, stolenMs] = [nowMs, now.stolenMs];
  }
}

process.exitCode = await main();
