/**
 * Which life of which cluster a long command works with. Keys live in memory, and a node that was restarted has another
 * incarnation: what was stored before may be gone, and what is read after belongs to another history. No answer comes over
 * a new connection before the node has said its incarnation, so a change is seen before anything of the new life is.
 */
import type { ClusterStatus } from '../../client/cluster-status.ts';
import { KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { BytesClient } from '../shared/connection.ts';
import { usage } from '../shared/values.ts';
import type { Interruption } from './interruption.ts';
import { pause } from './pace.ts';
import { Patience } from './passing.ts';

/** As a note keeps it. */
export interface Life {
  readonly cluster: string;
  /** Incarnations of the nodes that were connected, by address. */
  readonly nodes: Readonly<Record<string, string>>;
}

/** How long the first look and the last one wait for a node. */
const LOOK_MS = 2000;

type LifeClient = Pick<BytesClient, 'incarnations' | 'status' | 'ping' | 'on' | 'off'>;

export class ClusterLife {
  /** What a node says that was restarted alone: its partitions take nothing; null: none says so. */
  readonly obstacle: string | null;
  readonly #client: LifeClient;
  readonly #cluster: string;
  readonly #known: Map<string, string>;
  readonly #restarted: Set<string> = new Set();

  private constructor(client: LifeClient, cluster: string, obstacle: string | null) {
    this.#client = client;
    this.#cluster = cluster;
    this.#known = new Map(client.incarnations);
    this.obstacle = obstacle;
  }

  /** The life that the nodes which can be reached live now. */
  static async of(client: LifeClient, timeoutMs: number): Promise<ClusterLife> {
    const status = await client.status({ timeoutMs: Math.min(timeoutMs, LOOK_MS) });
    return new ClusterLife(client, status.cluster, obstacleOf(status));
  }

  get life(): Life {
    return { cluster: this.#cluster, nodes: Object.fromEntries(this.#known) };
  }

  /** Goes on with what was begun in life `before`: a node that comes later must still live it, too. */
  adopt(before: Life): void {
    for (const [node, incarnation] of Object.entries(before.nodes)) this.#known.set(node, incarnation);
  }

  get restarted(): boolean {
    return this.#restarted.size > 0;
  }

  /**
   * Does the work in this life. As soon as a node is seen that was restarted, the work is interrupted.
   * `confirmForMs`: how long nodes that are away at the end are waited for; null: they need not answer.
   * @throws KeyvalError KV_RESTARTED, with `consequence`; KV_UNREACHABLE when a node has gone; whatever the work throws
   */
  async during(
    work: () => Promise<boolean>,
    interruption: Interruption,
    consequence: string,
    confirmForMs: number | null,
  ): Promise<boolean> {
    const look = (): void => {
      this.#look();
      if (this.restarted) interruption.stop();
    };
    this.#client.on('status', look);
    try {
      look();
      const whole = await work();
      if (whole) await this.#confirm(confirmForMs, interruption.signal);
      if (!this.restarted) return whole;
    } catch (error) {
      if (!this.restarted) throw error;
    } finally {
      this.#client.off('status', look);
    }
    throw await this.#restartedError(consequence);
  }

  #look(): void {
    for (const [node, incarnation] of this.#client.incarnations) {
      const known = this.#known.get(node);
      if (known === undefined) this.#known.set(node, incarnation);
      else if (known !== incarnation) this.#restarted.add(node);
    }
  }

  /** Every node that took part answers once more, in the same life: nothing has happened since its last answer. */
  async #confirm(forMs: number | null, signal: AbortSignal): Promise<void> {
    const patience = new Patience(forMs ?? 0, () => systemClock.monotonicMs());
    for (;;) {
      const silent = await this.#silent();
      this.#look();
      if (this.restarted || silent.length === 0 || forMs === null || signal.aborted) return;
      if (patience.over) {
        const text = `${silent.join(', ')} does not answer any more: whether it lost what was stored is not known until it is back`;
        throw new KeyvalError('KV_UNREACHABLE', text);
      }
      await pause(patience.nextDelayMs(), signal);
    }
  }

  async #silent(): Promise<string[]> {
    const asked = [...this.#known.keys()].map(async (node) => {
      try {
        await this.#client.ping(node, { timeoutMs: LOOK_MS });
        return [];
      } catch {
        return [node];
      }
    });
    return (await Promise.all(asked)).flat();
  }

  async #restartedError(consequence: string): Promise<KeyvalError> {
    const nodes = [...this.#restarted];
    const obstacle = obstacleOf(await this.#client.status({ timeoutMs: LOOK_MS }));
    const text = `${nodes.join(', ')} ${nodes.length === 1 ? 'was' : 'were'} restarted ${consequence}`;
    return new KeyvalError('KV_RESTARTED', obstacle === null ? text : `${text} (${obstacle})`);
  }
}

function obstacleOf({ nodes }: ClusterStatus): string | null {
  for (const node of nodes) {
    if (node.state === 'up' && node.obstacle?.includes('KV_RESTARTED')) return `${node.endpoint}: ${node.obstacle}`;
  }
  return null;
}

/** @throws KeyvalError KV_USAGE when what was begun in life `before` cannot be gone on with `now` */
export function checkSameLife(before: Life, now: Life, consequence: string): void {
  if (before.cluster !== now.cluster) {
    throw usage(`it was begun with the cluster '${before.cluster}', not '${now.cluster}'; ${consequence}`);
  }
  const nodes = Object.entries(before.nodes);
  const restarted = nodes.flatMap(([node, life]) =>
    now.nodes[node] === undefined || now.nodes[node] === life ? [] : [node],
  );
  if (restarted.length > 0) {
    throw usage(
      `${restarted.join(', ')} ${restarted.length === 1 ? 'was' : 'were'} restarted since it was begun; ${consequence}`,
    );
  }
  if (!nodes.some(([node]) => now.nodes[node] !== undefined)) {
    throw usage(`it was begun with other nodes: ${nodes.map(([node]) => node).join(', ')}; ${consequence}`);
  }
}

/** Whether a member of a note is what this file put there. */
export function isLife(found: unknown): found is Life {
  if (typeof found !== 'object' || found === null) return false;
  const { cluster, nodes } = found as Partial<Life>;
  if (typeof cluster !== 'string' || typeof nodes !== 'object' || nodes === null) return false;
  return Object.values(nodes).every((incarnation) => typeof incarnation === 'string');
}
