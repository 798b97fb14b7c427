/** What a simulated client does now and then, beside single keys: scans, loads of rows, comparisons of replicas, status. */
import type { Prng } from '../base/prng.ts';
import type { Client } from '../client/client.ts';
import { KeyvalError } from '../errors.ts';
import { inHistory } from './recorder.ts';
import type { Workload } from './workload.ts';

const ROWS_LOADED = 5;

export class RareActions {
  readonly #load: Workload;
  readonly #client: Client;
  readonly #name: string;
  readonly #random: Prng;
  #loaded = 0;

  constructor(load: Workload, client: Client, name: string, random: Prng) {
    this.#load = load;
    this.#client = client;
    this.#name = name;
    this.#random = random;
  }

  /** Every entry found is a read that began with the scan: its page is a committed state since then. */
  async scan(): Promise<void> {
    const { recorder } = this.#load;
    const begunNs = recorder.nowNs;
    await this.#try('scan', async () => {
      for await (const { key, value, revision } of this.#client.scan({
        prefix: '{k',
        pageSize: 1 + this.#random.below(4),
      })) {
        if (!this.#load.names.isCurrent(key)) continue;
        const recorded = recorder.call(this.#name, 'get', key, {}, begunNs);
        recorder.answered(recorded, { v: inHistory(value ?? ''), ver: `${revision}` });
      }
    });
  }

  /** Each row is a write of its own. */
  async loadRows(): Promise<void> {
    const { recorder, settings, names } = this.#load;
    const rows = Array.from({ length: ROWS_LOADED }, () => {
      this.#loaded += 1;
      return { key: names.of(`k${this.#random.below(settings.keys)}`), value: `${this.#name}-row-${this.#loaded}` };
    });
    const recorded = rows.map(({ key, value }) => recorder.call(this.#name, 'put', key, { v: value }));
    try {
      const { failures } = await this.#client.load(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      this.#load.counters.count('rowsLoaded', ROWS_LOADED - failures.length);
      for (const [index, one] of recorded.entries()) {
        const failure = failures.find(({ line }) => line === index + 1);
        if (failure === undefined) recorder.answered(one, {});
        else recorder.failed(one, new KeyvalError(failure.code, failure.message));
      }
    } catch (error) {
      for (const one of recorded) recorder.failed(one, error);
    }
  }

  /** The cluster compares its own replicas: they never differ. */
  async check(): Promise<void> {
    await this.#try('check', async () => {
      for await (const { partition, verdict, revision, reason } of this.#client.check()) {
        this.#load.counters.count(verdict === 'unknown' ? 'checksUndecided' : 'checksDone');
        // Revision 0: the primary has lost its state, and there is nothing to compare.
        if (verdict === 'differs' && revision !== 0n)
          this.#load.cluster.world.fail('R16', `check: partition ${partition} differs: ${reason}`);
      }
    });
  }

  async status(): Promise<void> {
    await this.#try('status', () => this.#client.status({ timeoutMs: 1000 }));
    await this.#try('ping', () => this.#client.ping(undefined, { timeoutMs: 1000 }));
  }

  /** A request that is no part of the history; it may fail, but only in ways that are foreseen. */
  async #try(kind: string, send: () => Promise<unknown>): Promise<void> {
    try {
      await send();
      this.#load.counters.operation(kind, 'ok');
    } catch (error) {
      this.#load.recorder.mustBeForeseen(kind, error);
      this.#load.counters.operation(kind, 'fail');
    }
  }
}
