/** The life of a `keyval-node` process: start, tell the log and the launcher, serve until asked to stop, stop. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import { type NodeOptions, type RunningNode, startNode, version } from '../../index.ts';
import { machineMemoryBytes } from '../../io/process-facts.ts';
import { optionsOfProcess } from '../../node-options.ts';
import type { Launcher } from './launcher.ts';
import { StopRequest } from './stop-request.ts';

/** Runs a node to its end; gives the exit code. @throws KeyvalError KV_USAGE, KV_ADDRESS_IN_USE when it cannot start */
export async function serve(options: NodeOptions, launcher: Launcher): Promise<number> {
  const stop = new StopRequest();
  stop.listen();
  launcher.onGone(() => stop.ask('the launcher is gone'));
  const node = await startNode(optionsOfProcess(options));
  logStart(node, options);
  void node.ready().then(() => announce(node, launcher));
  const reason = await Promise.race([stop.asked, node.failed]);
  const failure = reason instanceof KeyvalError ? reason : null;
  node.log.write('info', 'stopping', { reason: failure?.message ?? reason, address: node.address });
  await node.close();
  node.log.write('info', 'stopped', { address: node.address });
  return failure === null ? ExitCode.ok : failure.exitCode;
}

/** What of `status` stands in the start log. */
interface StartFacts {
  readonly cluster: string;
  readonly members: readonly string[];
  readonly partitions: { readonly total: number };
  readonly peers: readonly { readonly address: string; readonly state: string }[];
}

function logStart(node: RunningNode, options: NodeOptions): void {
  const { log, address } = node;
  const { cluster, members, partitions, peers } = node.status() as unknown as StartFacts;
  log.write('info', 'started', {
    version,
    address,
    cluster,
    members,
    partitions: partitions.total,
    runtime: process.version,
  });
  log.write('info', 'keys live in memory: stopping all nodes loses them', { keptIn: 'memory' });
  if (options.insecure)
    log.write('warn', 'insecure: whoever reaches this address reads and writes every key', { address });
  const { maxMemoryBytes = 0 } = options;
  if (maxMemoryBytes > machineMemoryBytes()) {
    const text = '--max-memory is more than this machine has: the system may end the node before the limit is reached';
    log.write('warn', text, { maxMemoryBytes, machineBytes: machineMemoryBytes() });
  }
  const absent = peers.filter(({ state }) => state !== 'up').map((peer) => peer.address);
  log.write('info', 'waiting', { for: absent.length > 0 ? absent : 'the cluster' });
}

function announce(node: RunningNode, launcher: Launcher): Promise<void> {
  node.log.write('info', 'serving', { address: node.address });
  return launcher.ready(node.address);
}
