/**
 * Asks each node what it knows of the cluster (CLUS), past the relays. Every node has its own copy of the book, some of
 * them old; connections are kept, so that asking often costs little.
 */
import type { ClusterRequest, PartitionsAnswer, StatusAnswer } from '../../src/protocol/cluster-facts.ts';
import { told, type Wire } from '../hostile/wire.ts';
import { directWire } from './direct-wire.ts';

/** All partitions of a cluster as this tool starts it fit in this. */
const ANSWER_BYTES_MAX: number = 1024 * 1024;
const ANSWER_MS_MAX = 1000;

export type Partitions = PartitionsAnswer['partitions'];

export class Operator {
  readonly #from: string;
  readonly #listen: string;
  #wire: Wire | null = null;
  #lastId = 0;

  /** `from`: where to call from; `listen`: where the node itself listens. */
  constructor(from: string, listen: string) {
    this.#from = from;
    this.#listen = listen;
  }

  /** What the node knows of itself and the cluster, or why it says nothing. Never rejects. */
  status(): Promise<StatusAnswer | string> {
    return this.#answer<StatusAnswer>({ command: 'status' });
  }

  /** All partitions as its copy of the book has them; none when it says nothing. Never rejects. */
  async partitions(): Promise<Partitions> {
    const answer = await this.#answer<PartitionsAnswer>({ command: 'partitions', from: 0 });
    return typeof answer === 'string' ? [] : answer.partitions;
  }

  async #answer<T>(request: ClusterRequest): Promise<T | string> {
    try {
      return (await this.#ask(request)) as T;
    } catch (error) {
      this.close();
      return (error as Error).message;
    }
  }

  /** @throws Error saying what came instead of an answer */
  async #ask(request: ClusterRequest): Promise<unknown> {
    const wire = await this.#connected();
    this.#lastId += 1;
    const body = Buffer.from(JSON.stringify(request));
    const heard = await wire.request('CLUS', this.#lastId, body, ANSWER_MS_MAX);
    if (heard?.opcode !== 'CLUD') throw new Error(`${this.#listen} answers ${told(heard)}`);
    return JSON.parse(heard.body.toString());
  }

  async #connected(): Promise<Wire> {
    if (this.#wire !== null && !this.#wire.closed) return this.#wire;
    const options = { from: this.#from, bodyKeptBytes: ANSWER_BYTES_MAX };
    const wire = await directWire(this.#listen, { name: 'chaos operator' }, options);
    this.#wire = wire;
    return wire;
  }

  close(): void {
    this.#wire?.destroy();
    this.#wire = null;
  }
}
