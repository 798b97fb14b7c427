/**
 * One seed from beginning to end: a cluster and its clients start, faults come and go, everything heals and has to work
 * again within a bound, and the history is judged. Where a node has crashed, what it was part of takes no writes until all
 * nodes have been stopped and started; then this is done, and tokens must have grown over it.
 */

import type { Client } from '../client/client.ts';
import { KeyvalError } from '../errors.ts';
import { judgeHistory } from './checkers/index.ts';
import { formatVerdict } from './checkers/report.ts';
import { Counters } from './counters.ts';
import { FaultRunner } from './fault-runner.ts';
import { type Fault, type FaultKind, faultKinds, planFaults } from './faults.ts';
import { Observer } from './observer.ts';
import { SimCluster } from './sim-cluster.ts';
import { type ClusterSettings, clusterSettings, type LoadSettings, loadSettings } from './swarm.ts';
import { Workload } from './workload.ts';
import { type Breach, World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds under faults; default 60. */
  readonly seconds?: number;
  /** Let everything heal after this instead, although the faults were chosen for `seconds`: for shortened runs. */
  readonly untilSeconds?: number;
  /** Only these faults; default: those that the seed decides. */
  readonly faults?: readonly Fault[];
  /** Kinds of faults that the seed may choose from; default: all. */
  readonly kinds?: readonly FaultKind[];
  /** Keep the whole trace. */
  readonly trace?: boolean;
}

export interface RunResult {
  readonly seed: number;
  /** What happened, as one number: the same for the same seed and faults. */
  readonly hash: number;
  readonly breach: Breach | null;
  readonly faults: readonly Fault[];
  readonly cluster: ClusterSettings;
  readonly load: LoadSettings;
  readonly counters: Counters;
  readonly trace: readonly string[];
  /** The histories judged, one for each time all nodes were started (kvh/1). */
  readonly histories: readonly (readonly string[])[];
}

const SECONDS = 60;
/** Faults begin after this: somebody must have agreed on something first. */
const CALM_MS = 2000;
/** A cluster whose network is whole serves after this at the latest: a link that went silent is given up after 15 s. */
const HEALED_MS = 40_000;
/** The last request under way ends after this. */
const LAST_ANSWERS_MS = 40_000;
/** Nodes that were all stopped are started again after this. */
const STOPPED_MS = 3000;
/** Load after everything has healed. */
const AFTER_MS = 5000;
/** Renewals of a lease must fit into it so often. */
const KEPT_BY = 6;
/** More than the smallest kernels hold at a time, and still in one frame. */
const MIDDLING: string = 'x'.repeat(20_000);
/** Steps the judge may take back. */
const JUDGE_STEPS_MAX = 300_000;

export async function runScenario(options: RunOptions): Promise<RunResult> {
  return new Scenario(options).run();
}

/** The faults that a seed decides. */
export function plannedFaults(options: RunOptions): readonly Fault[] {
  return new Scenario(options).faults;
}

class Scenario {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #load: Workload;
  readonly #observer: Observer;
  readonly faults: readonly Fault[];
  readonly #runner: FaultRunner;
  readonly #counters: Counters = new Counters();
  readonly #histories: string[][] = [];
  readonly #seconds: number;
  readonly #untilMs: number;
  readonly #loadSettings: LoadSettings;

  constructor(options: RunOptions) {
    this.#world = new World(options.seed, options.trace === undefined ? {} : { trace: options.trace });
    this.#seconds = options.seconds ?? SECONDS;
    this.#untilMs = (options.untilSeconds ?? this.#seconds) * 1000;
    const settings = clusterSettings(this.#world.random('cluster'));
    this.#loadSettings = loadSettings(this.#world.random('load'));
    this.faults = options.faults ?? this.#plan(settings, options.kinds ?? faultKinds);
    this.#cluster = new SimCluster(this.#world, settings, {
      started: (seat, node) => this.#observer.started(seat, node),
      nodeError: (seat, event, fields) => this.#nodeError(seat.host, event, fields),
    });
    this.#observer = new Observer(this.#cluster, this.#counters);
    this.#load = new Workload(this.#cluster, this.#loadSettings, this.#counters);
    this.#runner = new FaultRunner(this.#cluster, this.#counters, (index) => this.#load.replace(index));
    this.#world.afterStep = (process): void => {
      const seat = this.#cluster.seats.find((one) => one.process === process);
      if (seat?.node) this.#observer.stepped(seat.node);
    };
  }

  #plan({ nodes, replicas }: ClusterSettings, kinds: readonly FaultKind[]): Fault[] {
    const untilMs = this.#seconds * 1000;
    return planFaults(this.#world.random('faults'), {
      nodes,
      clients: this.#loadSettings.clients,
      fromMs: Math.min(CALM_MS, untilMs / 2),
      untilMs,
      crashable: Math.min(replicas, nodes) - 1,
      kinds,
      least: 5,
      most: Math.max(6, Math.round(this.#seconds / 2)),
    });
  }

  #nodeError(host: string, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (event === 'peer refuses' || event === 'backup refuses') return; // a life that followed too soon on another
    this.#world.fail('node error', `${host}: ${event} ${JSON.stringify(fields)}`);
  }

  async run(): Promise<RunResult> {
    const world = this.#world;
    this.#cluster.startAll();
    this.#load.start();
    this.#runner.plan(this.faults);
    await world.run(this.#untilMs);
    this.#runner.end();
    if (this.#runner.crashed) await this.#startOver();
    await this.#mustServe();
    await world.run(AFTER_MS);
    await this.#settle();
    await this.#mustTakeWrites();
    await world.run(1000);
    this.#observer.compareStates();
    this.#judge();
    return this.#result();
  }

  /** A crash: nobody can serve what it was part of any more, until all nodes are stopped and started. */
  async #startOver(): Promise<void> {
    await this.#settle();
    this.#judge();
    for (const seat of this.#cluster.seats) this.#cluster.crashNode(seat, false);
    await this.#world.run(STOPPED_MS);
    this.#counters.count('fullRestarts');
    this.#load.era += 1;
    this.#cluster.startAll();
    await this.#world.run(1000);
    this.#load.start();
  }

  /** The load ends, and every request has its answer. */
  async #settle(): Promise<void> {
    this.#load.stop();
    if (await this.#world.run(LAST_ANSWERS_MS, () => this.#load.idle)) return;
    this.#world.fail('progress', `a request was not answered within ${LAST_ANSWERS_MS} ms, far beyond its deadline`);
  }

  async #mustServe(): Promise<void> {
    if (await this.#world.run(HEALED_MS, () => this.#cluster.serving)) return;
    const obstacles = this.#cluster.seats.flatMap(({ host, node }) =>
      (node?.primaries ?? []).flatMap((one) => (one === null || one.writable ? [] : [`${host}: ${one.obstacle()}`])),
    );
    this.#world.fail('progress', `not serving ${HEALED_MS} ms after everything healed: ${obstacles.join('; ')}`);
  }

  /** Every client can write everywhere, every lock can be had, and large values pass. */
  async #mustTakeWrites(): Promise<void> {
    const { locks, leaseMs, largeBytes } = this.#loadSettings;
    const timeoutMs = 40_000;
    const waitMs = 3 * leaseMs + 35_000;
    const puts = (client: Client, value: string): Promise<unknown>[] =>
      Array.from({ length: 16 }, (_, key) => client.put(`last-${key}`, key % 2 === 0 ? value : 'x', { timeoutMs }));
    await this.#allMust('writes and locks', waitMs + timeoutMs, (client) => [
      ...puts(client, 'x'),
      ...Array.from({ length: locks }, (_, key) =>
        client.withLock(`lock${key}.${this.#load.era}`, { waitMs, timeoutMs }, () => undefined),
      ),
    ]);
    const { memoryBytesMax, network } = this.#cluster.settings;
    // A keep-alive waits behind what the kernel holds: no session lives on a link that takes longer for it than a lease.
    const fullLinkMs = network.roomBytes / network.quality.bytesPerMs;
    if (memoryBytesMax > 0 || fullLinkMs * KEPT_BY > leaseMs) return;
    const value = 'x'.repeat(largeBytes);
    await this.#allMust('large values', timeoutMs + 1000, (client) => [
      largeValuePasses(client, value),
      ...puts(client, MIDDLING),
    ]);
  }

  /** Every client makes these requests, and all must succeed in time. */
  async #allMust(what: string, withinMs: number, requests: (client: Client) => Promise<unknown>[]): Promise<void> {
    const clients = this.#cluster.clients.filter(({ process }) => process.state !== 'dead');
    const all = clients.flatMap(({ client }) => requests(client));
    const failures: unknown[] = [];
    let left = all.length;
    for (const request of all) {
      void request
        .catch((error: unknown) => {
          const full = error instanceof KeyvalError && error.code === 'KV_OUT_OF_MEMORY';
          if (!full || this.#cluster.settings.memoryBytesMax === 0) failures.push(error);
        })
        .finally(() => {
          left -= 1;
        });
    }
    await this.#world.run(withinMs, () => left === 0);
    if (left > 0) this.#world.fail('progress', `${what}: ${left} requests after everything healed were not answered`);
    else if (failures.length > 0)
      this.#world.fail('progress', `${what} after everything healed: ${String(failures[0])}`);
  }

  #judge(): void {
    if (this.#world.breach !== null || this.#load.recorder.size === 0) return;
    const lines = this.#load.recorder.take(this.#loadSettings.leaseMs);
    this.#histories.push(lines);
    const verdict = judgeHistory(lines, { maxSteps: JUDGE_STEPS_MAX });
    if (verdict.verdict === 'linearizable') return;
    const rule = verdict.violations[0]?.rule ?? 'undecided';
    this.#world.fail(rule, formatVerdict(verdict));
  }

  #result(): RunResult {
    const { world, cluster } = { world: this.#world, cluster: this.#cluster };
    const counters = this.#counters;
    const { connections, refused, resets, timeouts } = cluster.network.counters;
    counters.count('connections', connections);
    counters.count('refusedConnections', refused);
    counters.count('brokenConnections', resets);
    counters.count('timedOutConnections', timeouts);
    counters.runs = 1;
    counters.events = world.steps;
    counters.virtualMs = world.nowMs;
    if (this.#load.recorder.size > 0) this.#histories.push(this.#load.recorder.take(this.#loadSettings.leaseMs));
    return {
      seed: world.seed,
      hash: world.hash,
      breach: world.breach,
      faults: this.faults,
      cluster: cluster.settings,
      load: this.#loadSettings,
      counters,
      trace: world.trace.lines,
      histories: this.#histories,
    };
  }
}

async function largeValuePasses(client: Client, value: string): Promise<void> {
  const timeoutMs = 20_000;
  await client.put('last-large', value, { timeoutMs });
  if ((await client.get('last-large', { timeoutMs })) !== value) throw new Error('a large value came back another');
}
