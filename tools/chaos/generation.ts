/**
 * A generation of the load: keys of its own and a history of its own. A history is judged key by key, so that a long run
 * in generations says as much as one in a piece, while neither the judge nor what stays unknown of a key grows with it.
 */
import { Prng } from '../../src/base/prng.ts';
import { type Client, KeyvalError, type Lock } from '../../src/index.ts';
import { type FlowHost, runFlow } from '../loadgen/flow.ts';
import { HistoryWriter } from '../loadgen/history-writer.ts';
import { Mix, parseMix } from '../loadgen/mix.ts';
import { Operations } from '../loadgen/operations.ts';
import { Pacer } from '../loadgen/pacer.ts';
import { RecordedRequests } from '../loadgen/recorded-requests.ts';
import type { Requests } from '../loadgen/requests.ts';
import { Values } from '../loadgen/values.ts';
import { Bookkeeping, type Losses } from './bookkeeping.ts';
import { LEASE_MS } from './client.ts';
import { insist } from './insist.ts';
import { type Watch, WatchedRequests } from './watched-requests.ts';

/** No deletes: what stays unknown of them costs the judge most. */
const MIX = 'get=45,put=25,cas=10,incr=10,lock=5,trylock=5';
const VALUE_BYTES = 32;
const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;

/** A key is read again and again for so long at the end, which is longer than any fault lasts. */
const READ_MS_MAX = 60_000;
const READ_AGAIN_MS = 100;

export interface GenerationOptions {
  /** From 0 on. */
  readonly index: number;
  readonly clients: readonly Client[];
  readonly loopsPerClient: number;
  /** Indexes of its keys. */
  readonly keys: readonly number[];
  /** Operations a second. */
  readonly rate: number;
  readonly seed: number;
  /** Its file. */
  readonly history: string;
  readonly watch: Watch;
}

export class Generation {
  readonly #options: GenerationOptions;
  readonly #history: HistoryWriter;
  readonly #books: Bookkeeping = new Bookkeeping();
  #stopped = false;

  constructor(options: GenerationOptions) {
    this.#options = options;
    this.#history = new HistoryWriter({ path: options.history, nowNs: options.watch.nowNs, writer: 0, writers: 1 });
    this.#history.meta({ ttl: LEASE_MS * NS_PER_MS, seed: options.seed });
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Runs until it is stopped and all is answered; then reads every key. */
  async run(): Promise<Losses> {
    const { keys, clients, loopsPerClient } = this.#options;
    const revisions = new BigUint64Array(1 + Math.max(...keys));
    const host = this.#host();
    const loops = clients.flatMap((client, number) =>
      Array.from({ length: loopsPerClient }, (_, loop) => this.#loop(host, client, number, loop, revisions)),
    );
    await Promise.all(loops);
    await this.#readAll();
    this.#history.close();
    return this.#books.losses;
  }

  #host(): FlowHost {
    const { keys, watch, rate } = this.#options;
    const isStopped = (): boolean => this.#stopped;
    return {
      mix: new Mix(parseMix(MIX)),
      picker: { pick: (random) => keys[random.below(keys.length)] as number },
      pacer: new Pacer({
        firstNs: watch.nowNs(),
        intervalNs: NS_PER_SECOND / rate,
        nowNs: watch.nowNs,
        after: (delayMs, callback) => void setTimeout(callback, delayMs),
        isStopped,
      }),
      nowNs: watch.nowNs,
      begin: () => !this.#stopped,
      get stopped() {
        return isStopped();
      },
      answered: () => undefined,
      failed: (_kind, error) => {
        if (!(error instanceof KeyvalError)) throw error;
      },
    };
  }

  #loop(host: FlowHost, client: Client, number: number, loop: number, revisions: BigUint64Array): Promise<void> {
    const { index, seed, loopsPerClient } = this.#options;
    const owner = `${number}.${loop}`;
    const values = new Values(1 + number * loopsPerClient + loop, VALUE_BYTES);
    const operations = new Operations({ requests: this.#requests(client, owner), values, revisions });
    const random = new Prng(seed).fork(`${index}.${owner}`);
    return runFlow(host, { random, operations, increments: null });
  }

  #requests(client: Client, owner: string): Requests {
    const recorded = new RecordedRequests({ client, history: this.#history, owner, valueBytes: VALUE_BYTES });
    return new WatchedRequests(recorded, this.#options.watch, this.#books);
  }

  /** Not counted among the load's requests, but in the history. */
  async #readAll(): Promise<void> {
    const client = this.#options.clients[0] as Client;
    const requests = new RecordedRequests({ client, history: this.#history, owner: 'end', valueBytes: VALUE_BYTES });
    const books = this.#books;
    const untilMs = performance.now() + READ_MS_MAX;
    const registers = books.registers.map(async (key) => {
      const revision = async (): Promise<bigint> => (await requests.getEntry(key))?.revision ?? 0n;
      books.readRegister(key, await insist(revision, untilMs, READ_AGAIN_MS));
    });
    const counters = books.counters.map(async (key) => {
      books.readCounter(key, await insist(async () => Number((await requests.get(key)) ?? 0), untilMs, READ_AGAIN_MS));
    });
    const locks = books.locks.map(async (key) =>
      books.readLock(key, await insist(() => taken(requests, key), untilMs, READ_AGAIN_MS)),
    );
    await Promise.all([...registers, ...counters, ...locks]);
  }
}

/** The token of the lock, taken and given back. */
async function taken(requests: Requests, key: string): Promise<bigint> {
  const lock: Lock = await requests.lock(key);
  await requests.release(lock);
  return lock.token;
}
