/**
 * What the clients of a simulated cluster do: loops that read, write, compare and set, count, delete, let keys expire, and
 * work under locks, all recorded for the judge. Each loop has luck of its own.
 */
import type { Prng } from '../base/prng.ts';
import type { Client } from '../client/client.ts';
import type { Counters } from './counters.ts';
import { Flow } from './flow.ts';
import { KeyNames } from './key-names.ts';
import { LockGuard } from './lock-guard.ts';
import { ModeGuard } from './mode-guard.ts';
import { Recorder } from './recorder.ts';
import type { SimClient, SimCluster } from './sim-cluster.ts';
import type { LoadSettings } from './swarm.ts';

/** A client that crashed is followed by another after this. */
const NEXT_CLIENT_MS = 200;

export class Workload {
  readonly settings: LoadSettings;
  readonly recorder: Recorder;
  readonly guard: LockGuard;
  readonly modes: ModeGuard;
  readonly counters: Counters;
  readonly cluster: SimCluster;
  readonly names: KeyNames;
  /** How often the loops have begun. */
  #starts = 0;
  #running = false;
  readonly #active: Map<SimClient, number> = new Map();
  readonly #random: Prng;

  constructor(cluster: SimCluster, settings: LoadSettings, counters: Counters) {
    this.cluster = cluster;
    this.settings = settings;
    this.counters = counters;
    this.names = new KeyNames(cluster.settings.partitions);
    this.recorder = new Recorder(cluster.world, counters, this.names);
    this.guard = new LockGuard(cluster.world);
    this.modes = new ModeGuard(cluster.world);
    this.#random = cluster.world.random('flows');
  }

  /** What a partition kept, or all did, is lost by the rules: from now on other keys are used (key-names.ts). */
  forget(partition: number | 'all'): void {
    this.names.begin(partition);
    this.recorder.forget();
  }

  get running(): boolean {
    return this.#running;
  }

  start(): void {
    this.#running = true;
    this.#starts += 1;
    for (let index = 0; index < this.settings.clients; index += 1) {
      const there = this.cluster.clients[index];
      if (there !== undefined && there.process.state !== 'dead') this.#begin(there);
      else this.#begin(this.#newClient(index));
    }
  }

  #newClient(index: number): SimClient {
    const { leaseMs, timeoutMs } = this.settings;
    return this.cluster.addClient({ leaseMs, timeoutMs, connectTimeoutMs: 2000 }, index);
  }

  /** Client `index` has crashed; another takes its place. */
  replace(index: number): void {
    for (const client of this.#active.keys()) if (client.process.state === 'dead') this.#active.delete(client);
    this.cluster.world.schedule(null, NEXT_CLIENT_MS, () => {
      const client = this.#newClient(index);
      if (this.#running) this.#begin(client);
    });
  }

  #begin(client: SimClient): void {
    for (let flow = 0; flow < this.settings.flowsPerClient; flow += 1) {
      this.#active.set(client, (this.#active.get(client) ?? 0) + 1);
      const name = `${client.process.name}/${flow + 1}`;
      const luck = this.#random.fork(`${name} ${this.#starts}`);
      void new Flow(this, client, name, luck).run().then(() => {
        this.#active.set(client, (this.#active.get(client) ?? 1) - 1);
      });
    }
  }

  /** The loops end after what they are doing. */
  stop(): void {
    this.#running = false;
  }

  /** Deletes what is left under names of former eras, which nobody asks for any more, as far as `client` gets to it. */
  async sweep({ client }: SimClient): Promise<void> {
    const former: string[] = [];
    try {
      for await (const { key } of client.scan({ prefix: '{', values: false }))
        if (!this.names.isCurrent(key)) former.push(key);
    } catch (error) {
      this.recorder.mustBeForeseen('sweep', error);
    }
    await Promise.all(former.map((key) => this.#sweepKey(client, key)));
  }

  async #sweepKey(client: Client, key: string): Promise<void> {
    try {
      await client.delete(key);
      this.counters.operation('sweep', 'ok');
    } catch (error) {
      this.recorder.mustBeForeseen(`sweep ${key}`, error);
      this.counters.operation('sweep', 'fail');
    }
  }

  /** No loop is under way any more, except in processes that are dead. */
  get idle(): boolean {
    for (const [client, flows] of this.#active) if (flows > 0 && client.process.state !== 'dead') return false;
    return true;
  }
}
