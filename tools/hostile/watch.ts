/** Looks from time to time whether a node still answers, on a connection of its own. */
import { patience } from './attack.ts';
import { Wire } from './wire.ts';

const EVERY_MS = 250;
/** Every so many times it is asked what it stores. */
const MEMORY_EVERY = 4;

export class Watch {
  readonly #address: string;
  #stopped = false;
  #slowestMs = 0;
  #hangs = 0;
  /** What the node says that it keeps: keys, logs, sessions. */
  storedBytes = 0;
  #refusals: string[] = [];
  readonly #done: Promise<void>;

  constructor(address: string) {
    this.#address = address;
    this.#done = this.#run();
  }

  /** Since the last call. */
  report(): { slowestMs: number; hangs: number; refusals: readonly string[] } {
    const report = { slowestMs: this.#slowestMs, hangs: this.#hangs, refusals: this.#refusals };
    this.#slowestMs = 0;
    this.#hangs = 0;
    this.#refusals = [];
    return report;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#ask();
      } catch (error) {
        this.#refusals.push((error as Error).message);
        await wait(EVERY_MS);
      }
    }
  }

  async #ask(): Promise<void> {
    const { wire } = await Wire.login(this.#address, { name: 'watch' });
    for (let id = 1; !this.#stopped && !wire.closed; id += 1) {
      const startMs = performance.now();
      const asksMemory = id % MEMORY_EVERY === 1;
      const heard = asksMemory
        ? await wire.request('STAT', id, Buffer.alloc(0), patience.hangMs)
        : await wire.request('PING', id, Buffer.alloc(1), patience.hangMs);
      if (asksMemory && heard?.opcode === 'STAD') this.storedBytes = JSON.parse(`${heard.body}`).memory.usedBytes;
      if (heard === null && !wire.closed) this.#hangs += 1;
      if (wire.closed && !this.#stopped) this.#refusals.push('a client that only pings was dropped');
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startMs);
      await wait(EVERY_MS);
    }
    wire.destroy();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
