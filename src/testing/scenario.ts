/**
 * One seed from beginning to end: a cluster and its clients start, faults come and go, everything heals and has to work
 * again within a bound, and the history is judged; long runs do so every ten minutes. Where nothing outlives a node, what a
 * crashed one was part of takes no writes until all nodes have been stopped and started; then this is done, and tokens must
 * have grown over it.
 */

import type { Client } from '../client/client.ts';
import type { LockOptions } from '../client/lock-options.ts';
import { KeyvalError } from '../errors.ts';
import type { PartitionPrimary } from '../node/partition-primary.ts';
import type { Follower } from '../replication/follower.ts';
import { judgeHistory } from './checkers/index.ts';
import { formatVerdict } from './checkers/report.ts';
import { Counters } from './counters.ts';
import { isDynamic } from './dynamic.ts';
import { FaultRunner } from './fault-runner.ts';
import { type Fault, type FaultKind, type FaultPlan, planFaults, triedKinds } from './faults.ts';
import { Observer } from './observer.ts';
import { type Seat, SimCluster } from './sim-cluster.ts';
import {
  type ClusterSettings,
  clusterSettings,
  type LoadKind,
  type LoadSettings,
  loadSettings,
  lockLoad,
} from './swarm.ts';
import { Workload } from './workload.ts';
import { type Breach, World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** Virtual seconds under faults; default 60. */
  readonly seconds?: number;
  /** Nodes; default: the seed decides. */
  readonly nodes?: number;
  /** Let everything heal after this instead, although the faults were chosen for `seconds`: for shortened runs. */
  readonly untilSeconds?: number;
  /** Only these faults; default: those that the seed decides. */
  readonly faults?: readonly Fault[];
  /** Kinds of faults that the seed may choose from; default: all. */
  readonly kinds?: readonly FaultKind[];
  /** What clients do; default: all that they can. */
  readonly load?: LoadKind;
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
/** Longer runs are made of stages: each has faults of its own kinds, and is healed and judged before the next. */
const STAGE_MS = 600_000;
/** A stage has at most one fault per this time. */
const FAULT_EVERY_MS = 2000;
/** What happens to those who hold locks, on top of the rest, where locks are the load. */
const HOLDER_FAULTS: readonly FaultKind[] = ['pauseClient', 'crashClient'];
const HOLDER_FAULTS_COUNT = { least: 40, most: 80 } as const;
/** Kept for whoever asks. */
const HISTORIES_MAX = 3;
/** Faults begin after this: somebody must have agreed on something first. */
const CALM_MS = 2000;
/** A cluster whose network is whole serves after this at the latest: a link that went silent is given up after 15 s. */
const HEALED_MS = 40_000;
/** The last request under way ends after this. */
const LAST_ANSWERS_MS = 40_000;
/** Nodes that were all stopped are started again after this. */
const STOPPED_MS = 3000;
/** What is not swept away until then goes with the next stage. */
const SWEEP_MS = 30_000;
/** Load after everything has healed. */
const AFTER_MS = 5000;
/** Renewals of a lease must fit into it so often. */
const KEPT_BY = 6;
/** Where they do not, a lock may be lost so often. */
const TRIES_MAX = 100;
const LOST: ReadonlySet<string> = new Set(['KV_LOCK_LOST', 'KV_NO_SESSION']);
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
    const chosen = clusterSettings(this.#world.random('cluster'));
    const settings = { ...chosen, nodes: options.nodes ?? chosen.nodes };
    const isOfLocks = options.load === 'locks';
    this.#loadSettings = (isOfLocks ? lockLoad : loadSettings)(this.#world.random('load'));
    this.faults = options.faults ?? this.#plan(settings, options.kinds ?? triedKinds, isOfLocks);
    this.#cluster = new SimCluster(this.#world, settings, {
      started: (seat, node) => this.#observer.started(seat, node),
      ended: (node) => this.#observer.ended(node),
      nodeError: (seat, event, fields) => this.#nodeError(seat, event, fields),
    });
    this.#observer = new Observer(this.#cluster, this.#counters, (partition) => this.#load.forget(partition));
    this.#load = new Workload(this.#cluster, this.#loadSettings, this.#counters);
    this.#runner = new FaultRunner(this.#cluster, this.#counters, {
      clientCrashed: (index) => this.#load.replace(index),
      allKilled: () => this.#load.forget('all'),
    });
    this.#world.afterStep = (process): void => {
      const seat = this.#cluster.seats.find((one) => one.process === process);
      if (seat?.node) this.#observer.stepped(seat.node);
    };
  }

  #plan({ nodes, replicas }: ClusterSettings, kinds: readonly FaultKind[], isOfLocks: boolean): Fault[] {
    const endMs = this.#seconds * 1000;
    const firstToCrash = this.#world.random('who may crash').below(nodes);
    const faults: Fault[] = [];
    for (let beginMs = 0; beginMs < endMs; beginMs += STAGE_MS) {
      const untilMs = Math.min(endMs, beginMs + STAGE_MS);
      const random = this.#world.random(`faults from ${beginMs}`);
      const plan: FaultPlan = {
        nodes,
        clients: this.#loadSettings.clients,
        fromMs: beginMs + Math.min(CALM_MS, (untilMs - beginMs) / 2),
        untilMs,
        // What nobody holds any more begins anew (R9), and the workload forgets it.
        crashable: isDynamic ? nodes : Math.min(replicas, nodes) - 1,
        firstToCrash,
        dynamic: isDynamic,
        kinds,
        least: 5,
        most: Math.max(6, Math.round((untilMs - beginMs) / FAULT_EVERY_MS)),
      };
      faults.push(...planFaults(random, plan));
      if (isOfLocks) faults.push(...planFaults(random, { ...plan, kinds: HOLDER_FAULTS, ...HOLDER_FAULTS_COUNT }));
    }
    return faults;
  }

  #nodeError({ host, disk }: Seat, event: string, fields: Readonly<Record<string, unknown>>): void {
    if (disk.hasFailed || disk.isDamaged) return; // it has every right to complain
    if (event === 'partitions lost') return; // judged by the rules (R9)
    if (event === 'peer refuses') return; // a life that followed too soon on another
    this.#world.fail('node error', `${host}: ${event} ${JSON.stringify(fields)}`);
  }

  async run(): Promise<RunResult> {
    const world = this.#world;
    this.#cluster.startAll();
    this.#load.start();
    this.#runner.plan(this.faults);
    for (;;) {
      await world.run(Math.min(STAGE_MS, this.#untilMs - world.nowMs));
      await this.#heal();
      if (world.nowMs >= this.#untilMs || world.breach !== null) break;
      this.#load.forget('all');
      this.#judge();
      await this.#forgetFormer();
      this.#observer.deadlocks.unhealed();
      this.#runner.again();
    }
    await world.run(AFTER_MS);
    await this.#settle();
    await this.#mustTakeWrites();
    await world.run(1000);
    this.#observer.compareStates();
    this.#judge();
    return this.#result();
  }

  /** No fault is left, and all that was stopped by one goes on. */
  async #heal(): Promise<void> {
    this.#runner.end();
    if (this.#runner.crashed && !isDynamic) await this.#startOver();
    await this.#mustServe();
    this.#observer.deadlocks.healed();
  }

  /** A crash: nobody can serve what it was part of any more, until all nodes are stopped and started. */
  async #startOver(): Promise<void> {
    await this.#settle();
    this.#judge();
    this.#runner.crashed = false;
    for (const seat of this.#cluster.seats) this.#cluster.crashNode(seat, false);
    await this.#world.run(STOPPED_MS);
    this.#counters.count('fullRestarts');
    this.#load.forget('all');
    this.#cluster.startAll();
    await this.#world.run(1000);
    this.#load.start();
  }

  /** Runs of many stages keep nothing of former ones: neither here nor in the cluster. */
  async #forgetFormer(): Promise<void> {
    this.#observer.stageEnded();
    const sweeper = this.#cluster.clients.find(({ process }) => process.state === 'running');
    if (sweeper === undefined) return;
    let swept = false;
    void this.#load.sweep(sweeper).then(() => {
      swept = true;
    });
    await this.#world.run(SWEEP_MS, () => swept);
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
      (node?.primaries ?? []).flatMap((one) =>
        one === null || one.writable ? [] : [`${host}: ${one.obstacle()} (${followersText(one)})`],
      ),
    );
    this.#world.fail('progress', `not serving ${HEALED_MS} ms after everything healed: ${obstacles.join('; ')}`);
  }

  /** Every client can write everywhere, every lock can be had, and large values pass. */
  async #mustTakeWrites(): Promise<void> {
    const { locks, leaseMs, largeBytes } = this.#loadSettings;
    const timeoutMs = 40_000;
    const waitMs = 3 * leaseMs + 35_000;
    const puts = (client: Client, value: string): Promise<unknown>[] =>
      Array.from({ length: 16 }, (_, key) => putIsTaken(client, `last-${key}`, key % 2 === 0 ? value : 'x', timeoutMs));
    const { memoryBytesMax, network } = this.#cluster.settings;
    // A keep-alive waits behind what the kernel holds: no session lives on a link that takes longer for it than a lease.
    const isStrained = (network.roomBytes / network.quality.bytesPerMs) * KEPT_BY > leaseMs;
    const triesMax = isStrained ? TRIES_MAX : 1;
    await this.#allMust('writes and locks', waitMs + timeoutMs, (client) => [
      ...puts(client, 'x'),
      ...Array.from({ length: locks }, (_, key) =>
        lockIsHad(client, this.#load.names.of(`lock${key}`), { waitMs, timeoutMs }, triesMax),
      ),
    ]);
    if (memoryBytesMax > 0 || isStrained) return;
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
      this.#world.fail('progress', `${what} after everything healed: ${String(failures[0])}; ${this.#locksText()}`);
  }

  /** Who holds what at the primaries, for whoever looks for the fault. */
  #locksText(): string {
    const lines: string[] = [];
    for (const { host, node } of this.#cluster.seats) {
      for (const partition of node?.primaries ?? []) {
        if (partition === null) continue;
        const { locks, attachments } = partition.state;
        for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
          const key = new Uint8Array(locks.keyLength(slot));
          locks.copyKey(slot, key, 0);
          const held = locks.firstGranted(slot);
          const holder = attachments.atSlot(locks.requests.attachment(held));
          const heardMs = Math.round((node?.nowMs ?? 0) - (holder?.renewedAtMs ?? 0));
          const name = new TextDecoder().decode(key);
          lines.push(
            `${host} ${name} held by ${holder?.name} as ${locks.requests.sequence(held)}, heard ${heardMs} ms ago`,
          );
        }
      }
    }
    return lines.join('; ');
  }

  #judge(): void {
    if (this.#world.breach !== null || this.#load.recorder.size === 0) return;
    const lines = this.#load.recorder.take(this.#loadSettings.leaseMs);
    this.#histories.push(lines);
    if (this.#histories.length > HISTORIES_MAX) this.#histories.shift();
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
    for (const { node } of cluster.seats) if (node !== null) this.#observer.ended(node);
    counters.count('disksReplaced', cluster.disksReplaced);
    counters.count('plannedStops', cluster.stopped);
    for (const { disk } of cluster.seats) {
      counters.count('disksWiped', disk.counters.wiped);
      counters.count('disksDamaged', disk.counters.damaged);
      counters.count('tornWrites', disk.counters.torn);
      counters.count('refusedWrites', disk.counters.refused);
    }
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

/** Where no session lives while large values pass, it may be lost before it is had. */
async function lockIsHad(client: Client, key: string, options: LockOptions, triesMax: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client.withLock(key, options, () => undefined);
    } catch (error) {
      const isLost = error instanceof KeyvalError && LOST.has(error.code);
      if (!isLost || tries === triesMax) throw error;
    }
  }
}

/** On a link that was cut off for long before everything healed, the first may be left in doubt, and its session be lost. */
async function putIsTaken(client: Client, key: string, value: string, timeoutMs: number): Promise<void> {
  try {
    await client.put(key, value, { timeoutMs });
  } catch (error) {
    if (!(error instanceof KeyvalError && error.code === 'KV_AMBIGUOUS')) throw error;
    await client.put(key, value, { timeoutMs: timeoutMs / 2 });
  }
}

async function largeValuePasses(client: Client, value: string): Promise<void> {
  const timeoutMs = 20_000;
  await client.put('last-large', value, { timeoutMs });
  if ((await client.get('last-large', { timeoutMs })) !== value) throw new Error('a large value came back another');
}

/** What a primary knows of its followers, for whoever looks for the fault. */
function followersText({ primary, log, closedFor, orphan }: PartitionPrimary): string {
  const one = ({ member, state, match, sent, inSync, proposed }: Follower): string =>
    `slot ${member} state ${state} holds ${match} sent ${sent}${inSync ? ' in sync' : ''}${proposed ? ' proposed' : ''}`;
  const { commit, barrier, followers, frozen } = primary;
  const own = `log ${log.first}–${log.next} commit ${commit} barrier ${barrier} frozen ${frozen} orphan ${orphan} closed ${closedFor}`;
  return [own, ...followers.map(one)].join('; ');
}
