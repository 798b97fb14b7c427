/** All that a scenario works on: nodes behind relays, the load, and a client of the tool's own that nothing is done to. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../src/index.ts';
import { connectFrom } from './client.ts';
import { type Hosts, hostsOf } from './hosts.ts';
import { Load, type LoadEnd } from './load.ts';
import { ChaosNodes } from './nodes.ts';
import { Operator } from './operator.ts';
import { Relays } from './relays.ts';
import { obstacleOf, type WhoIsWho, whoIsWho } from './who-is-who.ts';

/** Few enough that the load visits each several times in the time that a failover takes. */
export const PARTITIONS = 64;

/** Clients of the load, each with an address and a session of its own. */
const CLIENTS = 4;
const LOOK_MS = 50;
/** Less often: all nodes are asked. */
const LOOK_WHOLE_MS = 200;

export interface SceneOptions {
  readonly nodes: number;
  readonly port: number;
  readonly folder: string;
  readonly nodeArgs: readonly string[];
  readonly isNew: boolean;
  /** Programs of the scenario's own, each with an address to call from. */
  readonly programs: number;
  readonly rate: number;
  readonly keys: number;
  readonly loops: number;
  readonly seed: number;
  /** The histories' name, without the number. */
  readonly history: string;
}

export class Scene implements AsyncDisposable {
  readonly hosts: Hosts;
  readonly relays: Relays;
  readonly nodes: ChaosNodes;
  readonly client: Client;
  readonly load: Load;
  readonly #operators: readonly Operator[];
  readonly #started: AsyncDisposableStack;

  /** Resolves when all nodes serve and the clients are connected. @throws Error saying what does not start */
  static async start(options: SceneOptions): Promise<Scene> {
    const { folder, nodeArgs, isNew, keys, rate, loops, seed, history } = options;
    const hosts = hostsOf(options.nodes, CLIENTS + options.programs, options.port);
    const endpoints = hosts.nodes.map(({ address }) => address);
    await using started = new AsyncDisposableStack();
    const addresses = hosts.nodes.map(({ address, listen }) => ({ listen: address, target: listen }));
    const relays = started.adopt(await Relays.start(addresses), (it) => it.stop());
    const args = ['--partitions', `${PARTITIONS}`, '--log-level', 'info', ...nodeArgs];
    const nodesFolder = join(folder, 'nodes');
    const nodes = started.adopt(
      await ChaosNodes.start({ hosts: hosts.nodes, folder: nodesFolder, args, isNew }),
      (it) => it.stop(),
    );
    const client = started.adopt(await connectFrom(hosts.tool, endpoints, 'chaos'), (it) => it.close());
    const task = { endpoints, hosts: hosts.clients.slice(0, CLIENTS), keys, rate, loops, seed, history };
    const load = started.adopt(await Load.start(task, PARTITIONS), (it) => it.cut());
    return new Scene({ hosts, relays, nodes, client, load }, started.move());
  }

  private constructor(
    parts: Pick<Scene, 'hosts' | 'relays' | 'nodes' | 'client' | 'load'>,
    started: AsyncDisposableStack,
  ) {
    this.hosts = parts.hosts;
    this.relays = parts.relays;
    this.nodes = parts.nodes;
    this.client = parts.client;
    this.load = parts.load;
    this.#operators = parts.hosts.nodes.map(({ listen }) => new Operator(parts.hosts.tool, listen));
    for (const operator of this.#operators) started.defer(() => operator.close());
    this.#started = started;
  }

  /** Where programs of the scenario's own call from: they are clients like those of the load. */
  get programHosts(): readonly string[] {
    return this.hosts.clients.slice(CLIENTS);
  }

  whoIsWho(): Promise<WhoIsWho> {
    return whoIsWho(this.#operators);
  }

  /** Waits until every replica is in sync again; gives what stands in the way when it takes longer. */
  async untilWhole(waitMs: number): Promise<string | null> {
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const obstacle = await obstacleOf(this.#operators);
      if (obstacle === null || performance.now() > untilMs) return obstacle;
      await delay(LOOK_WHOLE_MS);
    }
  }

  /** Waits until each of the partitions has answered a request sent after the mark; gives those that did not in time. */
  async untilSeen(partitions: readonly number[], waitMs: number): Promise<number[]> {
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const missing = partitions.filter((partition) => this.load.sightings.firstSuccessNs(partition) === null);
      if (missing.length === 0 || performance.now() > untilMs) return missing;
      await delay(LOOK_MS);
    }
  }

  /** Ends the load; all keys are read. */
  endLoad(): Promise<LoadEnd> {
    return this.load.end();
  }

  /** Lines of the nodes' logs that speak of a bug. */
  complaints(): string[] {
    return this.nodes.all.flatMap((node) => node.complaints());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#started.disposeAsync();
  }
}

/** Removes what a run has left; nothing of it is needed when all held. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
