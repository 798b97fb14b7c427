/** The course of `npm start`: build, find addresses, start the nodes, wait until somebody or something ends it. */
import { join } from 'node:path';
import { buildIfChanged } from '../build/build.ts';
import { nextFreePort, type Plan, planAddresses } from './addresses.ts';
import { startLoad } from './load.ts';
import { LocalCluster } from './local-cluster.ts';
import { defaultPort, type StartOptions } from './options.ts';
import type { StopReason } from './stop-signal.ts';
import { casualtyText, loadEndedText, portInUseText, servingText, startingText, tooSlowText } from './texts.ts';

/** Nodes on one machine serve within a second or two; a slow machine gets much more. */
const readyTimeoutMs = 60_000;

/** How long the nodes may take to stop: what is in flight ends after five seconds at most; without npm we hurry. */
const graceMs: Record<StopReason, number> = { signal: 6_000, orphaned: 1_000 };

/** How it ends; `text` says why, when nobody asked for it. */
interface Ending {
  readonly exitCode: number;
  readonly text: string | null;
}

/** Runs to the end and returns the exit code; `stop` is that of `stopSignal`. */
export async function run(root: string, options: StartOptions, stop: AbortSignal): Promise<number> {
  const { exitCode, text } = await course(root, options, stop);
  if (text !== null) console.error(text);
  return exitCode;
}

async function course(root: string, options: StartOptions, stop: AbortSignal): Promise<Ending> {
  const { exitCode } = await buildIfChanged(root);
  if (exitCode !== 0) return failure('The build failed.');
  const plan = await planAddresses(options.nodes, options.port);
  if (plan.taken !== null) return portInUse(plan, options);
  if (stop.aborted) return stopped;

  console.log(startingText(plan.addresses.length));
  const cluster = new LocalCluster({
    entry: join(root, 'src', 'cli', 'keyval-node.ts'),
    addresses: plan.addresses,
    logFolder: join(root, '.cache', 'start', `${options.port}`),
  });
  try {
    return await serve(root, cluster, options, stop);
  } finally {
    await cluster.stop(graceMs[stop.aborted ? (stop.reason as StopReason) : 'signal']);
  }
}

async function serve(root: string, cluster: LocalCluster, options: StartOptions, stop: AbortSignal): Promise<Ending> {
  const end = Promise.race([untilAborted(stop), untilCasualty(cluster, options)]);
  const early = await Promise.race([cluster.ready.then(() => null), end, untilTooSlow(cluster)]);
  if (early !== null) return early;

  console.log(servingText(cluster.nodes, options.port === defaultPort));
  if (!options.load) return end;
  const load = startLoad(
    root,
    cluster.nodes.map((node) => node.address),
  );
  const loadEnd = load.ended.then((code) => failure(loadEndedText(code)));
  try {
    return await Promise.race([end, loadEnd]);
  } finally {
    await load.stop();
  }
}

const stopped: Ending = { exitCode: 0, text: null };

function failure(text: string): Ending {
  return { exitCode: 1, text };
}

async function portInUse({ taken }: Plan, { nodes, port }: StartOptions): Promise<Ending> {
  return failure(taken === null ? '' : portInUseText(taken, await nextFreePort(nodes, port)));
}

function untilAborted(stop: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(stopped);
    stop.addEventListener('abort', () => resolve(stopped), { once: true });
  });
}

async function untilCasualty(cluster: LocalCluster, options: StartOptions): Promise<Ending> {
  const casualty = await cluster.firstEnd;
  const isTaken = casualty.end.failure?.code === 'KV_ADDRESS_IN_USE';
  const freePort = isTaken ? await nextFreePort(options.nodes, options.port) : null;
  return failure(casualtyText(casualty, freePort));
}

function untilTooSlow(cluster: LocalCluster): Promise<Ending> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(failure(tooSlowText(cluster.nodes, readyTimeoutMs))), readyTimeoutMs).unref();
  });
}
