/** A process that does small gets and puts in turn at a modest rate, one connection to each node, and times them. */
import { performance } from 'node:perf_hooks';
import { type Client, connect } from '../../src/index.ts';
import { answerQuestions } from './child.ts';

export type SmallQuestion =
  | { readonly ask: 'connect'; readonly endpoints: readonly string[]; readonly perSecond: number }
  | { readonly ask: 'begin' }
  | { readonly ask: 'end' };

/** Of the requests begun since `begin`, milliseconds from the call to the answer. */
export interface SmallAnswer {
  readonly requests: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const KEYS = 1000;
const VALUE = 'a small value of 64 bytes'.padEnd(64, '.');

class SmallRequests {
  readonly #client: Client;
  #times: number[] = [];
  #failed = 0;
  #measured = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(client: Client, perSecond: number) {
    this.#client = client;
    const begun = performance.now();
    let count = 0;
    // A late timer begins what has come due meanwhile, each request at its time in the schedule or as soon as it can.
    this.#timer = setInterval(() => {
      const due = ((performance.now() - begun) / 1000) * perSecond;
      for (; count < due; count += 1) void this.#one(count);
    }, 1);
  }

  async #one(number: number): Promise<void> {
    const key = `small-${(number * 7919) % KEYS}`;
    const measured = this.#measured;
    const began = performance.now();
    try {
      if (number % 2 === 0) await this.#client.put(key, VALUE);
      else await this.#client.get(key);
    } catch {
      this.#failed += 1;
    }
    if (measured === this.#measured) this.#times.push(performance.now() - began);
  }

  begin(): void {
    this.#measured += 1;
    this.#times = [];
    this.#failed = 0;
  }

  end(): SmallAnswer {
    const times = this.#times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
    const counts = { requests: times.length, failed: this.#failed };
    return { ...counts, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: times.at(-1) ?? 0 };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.close();
  }
}

let small: SmallRequests | null = null;

answerQuestions(async (question: SmallQuestion) => {
  if (question.ask === 'connect') {
    const client = await connect(question.endpoints, { timeoutMs: 30_000 });
    for (let key = 0; key < KEYS; key += 1) await client.put(`small-${key}`, VALUE);
    small = new SmallRequests(client, question.perSecond);
    return null;
  }
  if (small === null) throw new Error('connect comes first');
  return question.ask === 'begin' ? small.begin() : small.end();
});
