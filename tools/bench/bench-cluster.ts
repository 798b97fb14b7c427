/** Three nodes of one checkout and the client that measures them. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nextFreePort, planAddresses } from '../start/addresses.ts';
import { LocalCluster } from '../start/local-cluster.ts';
import { MeasuringProcess } from './measuring-process.ts';
import { PROFILE_FOLDER } from './profiling.ts';

const NODES = 3;
const STOP_GRACE_MS = 2000;
const clientEntry = fileURLToPath(new URL('./keyval-client.ts', import.meta.url));
const profilerModule = new URL('./node-profiler.ts', import.meta.url).href;

export interface BenchClusterOptions {
  /** The version to run. */
  readonly checkout: string;
  /** From which port on a free one is looked for. */
  readonly port: number;
  /** Keys to store. */
  readonly keys: number;
  readonly logFolder: string;
  /** Makes the nodes ready for CPU profiles into this folder. */
  readonly profileFolder: string | null;
}

export class BenchCluster {
  readonly client: MeasuringProcess;
  /** Rejects when a node ends; never resolves. */
  readonly casualty: Promise<never>;
  readonly #nodes: LocalCluster;

  /** Resolves when the nodes serve and hold all keys. */
  static async start(options: BenchClusterOptions): Promise<BenchCluster> {
    const port = await freePort(options.port);
    const { addresses } = await planAddresses(NODES, port);
    const entry = join(options.checkout, 'src', 'cli', 'keyval-node.ts');
    const nodes = withProfiler(options.profileFolder, () => {
      return new LocalCluster({ entry, addresses, logFolder: join(options.logFolder, `${port}`) });
    });
    const casualty = untilCasualty(nodes);
    try {
      await Promise.race([nodes.ready, casualty]);
      const endpoints = nodes.nodes.map(({ address }) => address).join(',');
      const client = new MeasuringProcess(clientEntry, [options.checkout, endpoints, `${options.keys}`]);
      await Promise.race([client.ready, casualty]);
      return new BenchCluster(nodes, client, casualty);
    } catch (error) {
      await nodes.stop(STOP_GRACE_MS);
      throw error;
    }
  }

  private constructor(nodes: LocalCluster, client: MeasuringProcess, casualty: Promise<never>) {
    this.#nodes = nodes;
    this.client = client;
    this.casualty = casualty;
    casualty.catch(() => undefined); // also when nobody listens any more
  }

  /** The node that is profiled. */
  get profiledPid(): number {
    const pid = this.#nodes.nodes[0]?.pid;
    if (pid === undefined) throw new Error('the first node does not run');
    return pid;
  }

  async stop(): Promise<void> {
    this.client.stop();
    await this.#nodes.stop(STOP_GRACE_MS);
  }
}

async function freePort(from: number): Promise<number> {
  const port = await nextFreePort(NODES, from - 1);
  if (port === null) throw new Error(`found no free port from ${from} on; choose another with --port`);
  return port;
}

async function untilCasualty(nodes: LocalCluster): Promise<never> {
  const { node, end } = await nodes.firstEnd;
  const why =
    end.failure === null ? `code ${end.code}, signal ${end.signal}` : `${end.failure.code} ${end.failure.message}`;
  throw new Error(`node ${node.address} ended: ${why}\n${node.logTail()}`);
}

/** Nodes take their environment from ours. */
function withProfiler(folder: string | null, start: () => LocalCluster): LocalCluster {
  if (folder === null) return start();
  const before = { ...process.env };
  process.env.NODE_OPTIONS = `${before.NODE_OPTIONS ?? ''} --import=${profilerModule}`.trim();
  process.env[PROFILE_FOLDER] = folder;
  try {
    return start();
  } finally {
    process.env = before;
  }
}
