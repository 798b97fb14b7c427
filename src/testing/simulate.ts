/**
 * `simulate`: your own code with a whole cluster in one process, through partitions, pauses, broken connections and
 * crashes, all decided by a seed. Time is virtual: a minute takes less than a second, and the same seed gives the same run.
 */
import type { Client } from '../client/client.ts';
import { firstConnection } from '../client/first-connection.ts';
import type { ConnectOptions } from '../client/options.ts';
import { KeyvalError } from '../errors.ts';
import { usualSettings } from '../node/settings.ts';
import { Counters } from './counters.ts';
import { isDynamic } from './dynamic.ts';
import { FaultRunner } from './fault-runner.ts';
import { type Fault, type FaultKind, planFaults, triedKinds } from './faults.ts';
import { Observer } from './observer.ts';
import { SimCluster } from './sim-cluster.ts';
import type { SimProcess } from './sim-process.ts';
import { type ClusterSettings, clusterSettings } from './swarm.ts';
import { type Breach, World } from './world.ts';

export interface SimulateOptions {
  /** A whole number from 0; the same seed gives the same run. */
  readonly seed: number;
  /** Your code. It may await nothing but what it is given here, and must take time and chance from there. */
  readonly run: (cluster: SimulatedCluster) => Promise<void>;
  /** Nodes; default: the seed decides, 1 to 5. */
  readonly nodes?: number;
  readonly partitions?: number;
  readonly replicas?: number;
  /** Virtual seconds in which faults begin; default 60. */
  readonly seconds?: number;
  /** Virtual seconds after which `run` must have ended; default: `seconds` and two minutes. */
  readonly withinSeconds?: number;
  /**
   * Kinds of faults that the seed may choose from, or a list of faults. Default: all kinds but `crashNode`, after which a
   * cluster takes no writes in the partitions concerned until all nodes are restarted, and `crashClient`, after which a
   * client of yours never answers.
   */
  readonly faults?: readonly FaultKind[] | readonly Fault[];
  /** Keep the whole trace, not only its last lines. */
  readonly trace?: boolean;
}

/** What your code sees of the cluster. */
export interface SimulatedCluster {
  /** A client on a machine of its own, connected. @throws KeyvalError as `connect` does */
  client(options?: ConnectOptions<string>): Promise<Client>;
  /** Resolves after so much virtual time. */
  sleep(ms: number): Promise<void>;
  /** Virtual milliseconds since the beginning. */
  readonly nowMs: number;
  /** From 0 up to, not including, 1; decided by the seed. */
  random(): number;
  /** Writes a line into the trace. */
  note(text: string): void;
}

export interface SimulationResult {
  readonly seed: number;
  readonly ok: boolean;
  /** Why it is not ok: `run` threw, did not end in time, or the cluster broke a rule of its own. */
  readonly breach: Breach | null;
  /** What `run` threw. */
  readonly error: unknown;
  /** What happened, as one number: equal for equal seeds. */
  readonly hash: number;
  readonly faults: readonly Fault[];
  readonly trace: readonly string[];
  readonly counters: Counters;
}

const SECONDS = 60;
const AFTER_SECONDS = 120;
/** Only those who name them get them. */
const ASKED_FOR: ReadonlySet<FaultKind> = new Set([
  'crashNode',
  'crashClient',
  'stopNode',
  'killAll',
  'wipeDisk',
  'damageDisk',
]);
/** A cluster that starts without faults serves by then. */
const START_MS = 30_000;

/** Runs your code once, with one seed. Does not throw for what `run` throws: look at `ok`. */
export async function simulate(options: SimulateOptions): Promise<SimulationResult> {
  const world = new World(options.seed, options.trace === undefined ? {} : { trace: options.trace });
  const counters = new Counters();
  const settings = settingsOf(options, world);
  const cluster: SimCluster = new SimCluster(world, settings, {
    started: (seat, node) => observer.started(seat, node),
    ended: (node) => observer.ended(node),
    nodeError: (seat, event) => world.trace.line(seat.host, event),
  });
  const observer = new Observer(cluster, counters, () => undefined);
  const runner = new FaultRunner(cluster, counters, { clientCrashed: () => undefined, allKilled: () => undefined });
  const faults = faultsOf(options, settings, world);
  cluster.startAll();
  if (!(await world.run(START_MS, () => cluster.serving))) world.fail('progress', 'the cluster does not start');
  runner.plan(faults.map((fault) => ({ ...fault, atMs: fault.atMs + world.nowMs })));
  const error = await runWith(options, new YourCluster(cluster));
  runner.end();
  counters.runs = 1;
  counters.events = world.steps;
  counters.virtualMs = world.nowMs;
  const { seed, hash, breach, trace } = world;
  return { seed, ok: breach === null, breach, error, hash, faults, trace: trace.lines, counters };
}

async function runWith(options: SimulateOptions, cluster: YourCluster): Promise<unknown> {
  const { world } = cluster;
  const withinMs = (options.withinSeconds ?? (options.seconds ?? SECONDS) + AFTER_SECONDS) * 1000;
  let ended = false;
  let error: unknown = null;
  cluster.begin(() => {
    void options.run(cluster).then(
      () => {
        ended = true;
      },
      (thrown) => {
        ended = true;
        error = thrown;
      },
    );
  });
  await world.run(withinMs, () => ended);
  if (error !== null) world.fail('run threw', error instanceof Error ? (error.stack ?? error.message) : String(error));
  else if (!ended && world.breach === null) world.fail('run did not end', `within ${withinMs / 1000} virtual seconds`);
  return error;
}

class YourCluster implements SimulatedCluster {
  readonly world: World;
  readonly #cluster: SimCluster;
  readonly #process: SimProcess;
  readonly random: () => number;

  constructor(cluster: SimCluster) {
    this.#cluster = cluster;
    this.world = cluster.world;
    const luck = cluster.world.random('your code');
    this.random = (): number => luck.float();
    this.#process = cluster.addBystander('you');
  }

  begin(run: () => void): void {
    this.world.schedule(this.#process, 0, run);
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  async client(options: ConnectOptions<string> = {}): Promise<Client> {
    const { client } = this.#cluster.addClient(options);
    await firstConnection(client, options.connectTimeoutMs ?? 5000, options.signal);
    return client;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#process.timers.after(ms, resolve);
    });
  }

  note(text: string): void {
    this.world.trace.line('you', text);
  }
}

function settingsOf(options: SimulateOptions, world: World): ClusterSettings {
  const chosen = clusterSettings(world.random('cluster'));
  const { nodes = chosen.nodes, partitions = chosen.partitions, replicas = chosen.replicas } = options;
  for (const [name, value] of Object.entries({ nodes, partitions, replicas })) {
    if (!(Number.isInteger(value) && value >= 1))
      throw new KeyvalError('KV_USAGE', `${name} must be 1 or more, not ${value}`);
  }
  const fixed = { memoryBytesMax: 0, cluster: 'keyval', secret: null, book: usualSettings };
  return { ...chosen, nodes, partitions, replicas, ...fixed };
}

function faultsOf(options: SimulateOptions, { nodes, replicas }: ClusterSettings, world: World): readonly Fault[] {
  const asked = options.faults ?? triedKinds.filter((kind) => !ASKED_FOR.has(kind));
  const [first] = asked;
  if (typeof first === 'object') return asked as readonly Fault[];
  const seconds = options.seconds ?? SECONDS;
  return planFaults(world.random('faults'), {
    nodes,
    clients: 4,
    fromMs: 0,
    untilMs: seconds * 1000,
    crashable: Math.min(replicas, nodes) - 1,
    dynamic: isDynamic,
    kinds: asked as readonly FaultKind[],
    least: asked.length === 0 ? 0 : 5,
    most: asked.length === 0 ? 0 : Math.max(6, Math.round(seconds / 2)),
  });
}
