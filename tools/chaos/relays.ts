/** The relays' thread, from outside. */
import { Worker } from 'node:worker_threads';
import type { Cut, LaneFaults, RelayAddress } from './relay.ts';
import type { RelayAnswer, RelayCommand, RelayRequest } from './relay-worker.ts';

export const NO_FAULTS: LaneFaults = { cut: 'open', delayMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

export class Relays {
  readonly #worker: Worker;
  readonly #answered: Map<number, (answer: RelayAnswer) => void> = new Map();
  #lastId = 0;

  /** @throws Error when an address is in use */
  static async start(addresses: readonly RelayAddress[]): Promise<Relays> {
    const relays = new Relays(addresses);
    const { error } = await new Promise<RelayAnswer>((resolve, reject) => {
      relays.#answered.set(0, resolve);
      relays.#worker.once('error', reject);
    });
    if (error === undefined) return relays;
    await relays.stop();
    throw new Error(`the relays cannot listen: ${error}`);
  }

  private constructor(addresses: readonly RelayAddress[]) {
    this.#worker = new Worker(new URL('relay-worker.ts', import.meta.url), { workerData: addresses });
    this.#worker.on('message', (answer: RelayAnswer) => {
      this.#answered.get(answer.id)?.(answer);
      this.#answered.delete(answer.id);
    });
  }

  /** Resolves when they are carried out, all at once. */
  async #send(commands: readonly RelayCommand[]): Promise<number> {
    this.#lastId += 1;
    const request: RelayRequest = { id: this.#lastId, commands };
    const { result } = await new Promise<RelayAnswer>((resolve) => {
      this.#answered.set(request.id, resolve);
      this.#worker.postMessage(request);
    });
    return result;
  }

  /** Both directions between `host` and each of the others. */
  async between(host: string, others: readonly string[], faults: LaneFaults): Promise<void> {
    const pairs = others.flatMap((other) => [
      [host, other],
      [other, host],
    ]);
    await this.#send(pairs.map(([from = '', to = '']) => ({ type: 'set', from, to, faults })));
  }

  /** What passes from `from` to each of `to`, and not what comes back. */
  async oneWay(from: readonly string[], to: readonly string[], cut: Cut): Promise<void> {
    const pairs = from.flatMap((one) => to.map((other) => [one, other]));
    await this.#send(pairs.map(([one = '', other = '']) => ({ type: 'set', from: one, to: other, faults: { cut } })));
  }

  /** Resets the connections between `host` and the others; gives how many there were. */
  reset(host: string, others: readonly string[]): Promise<number> {
    return this.#send(others.map((other) => ({ type: 'reset', one: host, other })));
  }

  async heal(): Promise<void> {
    await this.#send([{ type: 'heal' }]);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
