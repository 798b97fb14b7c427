// R13 under faults: whatever a stale read says of its age, everything acknowledged longer ago is in the answer.
import test from 'ava';
import type { Client } from '../../src/client/client.ts';
import { type Seat, SimCluster } from '../../src/testing/sim-cluster.ts';
import { clusterSettings } from '../../src/testing/swarm.ts';
import { World } from '../../src/testing/world.ts';

const KEYS = Array.from({ length: 5 }, (_, index) => `key:${index}`);
const FAULTY_MS = 30_000;
/** Clocks of nodes run apart from the world's by half a percent. */
const RATE = 1.01;

interface Acknowledged {
  readonly value: bigint;
  readonly atMs: number;
}

class AgeWorld {
  readonly world: World;
  readonly cluster: SimCluster;
  readonly acknowledged = new Map<string, Acknowledged[]>(KEYS.map((key) => [key, []]));
  readonly broken: string[] = [];
  /** Answers with an age, those above a second among them, and those without. */
  bounded = 0;
  old = 0;
  unbounded = 0;
  #over = false;

  constructor(seed: number) {
    this.world = new World(seed);
    const settings = clusterSettings(this.world.random('cluster'));
    const { book } = settings;
    this.cluster = new SimCluster(
      this.world,
      {
        ...settings,
        nodes: 3,
        partitions: 4,
        replicas: 3,
        memoryBytesMax: 0,
        book: { ...book, minInSync: 2, reads: 'lease', onLoss: 'stop', isNew: true },
      },
      { started: () => undefined, ended: () => undefined, nodeError: () => undefined },
    );
  }

  async run(): Promise<void> {
    const { world, cluster } = this;
    cluster.startAll();
    await world.run(60_000, () => cluster.serving);
    for (const key of KEYS) {
      void this.#write(key, cluster.addClient({ timeoutMs: 2000 }).client);
      void this.#read(key, cluster.addClient({ timeoutMs: 2000 }).client);
    }
    const random = world.random('faults');
    for (let atMs = 0; atMs < FAULTY_MS; atMs += 500 + random.below(3000)) {
      world.schedule(null, atMs, () => this.#trouble(random.below(5), random.below(3), 200 + random.below(4000)));
    }
    await world.run(FAULTY_MS);
    this.#over = true;
    await world.run(3000);
  }

  #trouble(kind: number, chosen: number, forMs: number): void {
    const { world, cluster } = this;
    const seat = cluster.seats[chosen] as Seat;
    const other = cluster.seats[(chosen + 1) % 3] as Seat;
    const { network } = cluster;
    if (kind <= 1) {
      const { process } = seat;
      process?.pause();
      world.schedule(null, forMs, () => process?.resume());
    } else if (kind === 2) {
      network.cut(seat.host, other.host);
      network.cut(other.host, seat.host);
      world.schedule(null, forMs, () => {
        network.heal(seat.host, other.host);
        network.heal(other.host, seat.host);
      });
    } else if (kind === 3) network.reset(seat.host, other.host);
    else if (cluster.seats.every(({ process }) => process?.state === 'running')) {
      cluster.crashNode(seat, false);
      world.schedule(null, forMs, () => {
        if (seat.life === null) cluster.startNode(seat);
      });
    }
  }

  async #write(key: string, client: Client): Promise<void> {
    while (!this.#over) {
      const value = await client.incr(key).catch(() => null);
      if (value !== null) this.acknowledged.get(key)?.push({ value, atMs: this.world.nowMs });
      await this.#pause(20);
    }
  }

  async #read(key: string, client: Client): Promise<void> {
    while (!this.#over) {
      const askedMs = this.world.nowMs;
      const entry = await client.getEntry(key, { reads: 'stale' }).catch(() => null);
      await this.#pause(7);
      if (entry === null || entry.staleMs === null) continue;
      this.#judge(key, BigInt(entry.value), entry.staleMs, askedMs);
    }
  }

  #judge(key: string, value: bigint, staleMs: number, askedMs: number): void {
    if (staleMs === Number.POSITIVE_INFINITY) this.unbounded += 1;
    else this.bounded += 1;
    if (staleMs > 1000) this.old += 1;
    const beforeMs = askedMs - staleMs * RATE - 1;
    const due = this.acknowledged.get(key)?.findLast(({ atMs }) => atMs <= beforeMs);
    if (due === undefined || value >= due.value) return;
    this.broken.push(
      `${key} was ${value}, at most ${staleMs} ms old at ${askedMs}, but ${due.value} was known at ${due.atMs}`,
    );
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.schedule(null, ms, resolve);
    });
  }
}

for (const seed of [5, 7]) {
  test(`R13, seed ${seed}: no stale read is older than it says`, async (t) => {
    const ages = new AgeWorld(seed);
    await ages.run();
    t.deepEqual(ages.broken, []);
    t.true(ages.bounded > 1000, `${ages.bounded} answers were bounded, ${ages.unbounded} were not`);
    t.true(ages.old > 0, 'faults make some old');
    t.log(`${ages.bounded} bounded, ${ages.old} above 1 s, ${ages.unbounded} unbounded`);
  });
}
