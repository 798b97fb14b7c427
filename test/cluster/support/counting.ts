/** Clients that count while a cluster is troubled: each sum must be the one before plus one, and come in time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type ClusterStatus, KeyvalError } from '../../../src/index.ts';

const WRITERS = 12;
/** Between two increments of one writer: the nodes are to have time for other things, too. */
const PACE_MS = 3;

export class Counting {
  /** What went wrong: errors, and sums that are not the next. */
  readonly complaints: string[] = [];
  readonly #kv: Client;
  readonly #sums: number[] = Array.from({ length: WRITERS }, () => 0);
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(kv: Client) {
    this.#kv = kv;
    this.#running = Promise.all(this.#sums.map((_, writer) => this.#count(writer))).then(() => undefined);
  }

  async #count(writer: number): Promise<void> {
    while (!this.#stopped) {
      const expected = (this.#sums[writer] as number) + 1;
      try {
        const sum = Number(await this.#kv.incr(keyOf(writer)));
        if (sum !== expected) this.complaints.push(`${keyOf(writer)} became ${sum}, not ${expected}`);
        this.#sums[writer] = sum;
      } catch (error) {
        this.complaints.push(error instanceof KeyvalError ? `${error.code}: ${error.message}` : String(error));
        return;
      }
      await sleep(PACE_MS);
    }
  }

  /** Resolves when every writer has got `more` answers more; at once when one has failed. */
  async goOn(more = 30): Promise<void> {
    const goals = this.#sums.map((sum) => sum + more);
    while (this.complaints.length === 0 && this.#sums.some((sum, writer) => sum < (goals[writer] as number))) {
      await sleep(PACE_MS);
    }
  }

  /** Ends it; gives what the counters hold, and what was acknowledged. */
  async stop(): Promise<{ readonly held: readonly number[]; readonly acknowledged: readonly number[] }> {
    this.#stopped = true;
    await this.#running;
    const held = await Promise.all(this.#sums.map(async (_, writer) => Number(await this.#kv.get(keyOf(writer)))));
    return { held, acknowledged: [...this.#sums] };
  }
}

function keyOf(writer: number): string {
  return `counter:${writer}`;
}

/** Resolves with the first status that `seen` takes; null: none came in 20 s. */
export async function statusWith(kv: Client, seen: (status: ClusterStatus) => boolean): Promise<ClusterStatus | null> {
  for (let tries = 0; tries < 400; tries += 1) {
    const status = await kv.status({ timeoutMs: 1000 });
    if (seen(status)) return status;
    await sleep(50);
  }
  return null;
}

/** How many partitions each node is primary of, in the order of `addresses`; 0 for one that does not answer. */
export function primariesOf({ nodes }: ClusterStatus, addresses: readonly string[]): number[] {
  return addresses.map((address) => {
    const node = nodes.find(({ endpoint }) => endpoint === address);
    return node?.state === 'up' && node.obstacle === null ? node.partitions.primary : 0;
  });
}

/** What the comparison of all replicas says of each partition, once each. */
export async function replicasOf(kv: Client): Promise<string[]> {
  const verdicts = new Set<string>();
  for await (const { verdict, replicas, reason } of kv.check({ timeoutMs: 10_000 })) {
    verdicts.add(`${verdict} ${replicas.length}${reason === null ? '' : ` ${reason}`}`);
  }
  return [...verdicts].sort();
}
