/**
 * The course of a run: connect, prepare the keys, start the threads, wait for time or a stop, add up, compare the
 * counters.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../src/index.ts';
import { clockFrom } from './clock.ts';
import { connectTo, LEASE_MS } from './connection.ts';
import { Control } from './control.ts';
import { type CpuUse, cpuBetween, cpuNow } from './cpu.ts';
import { joinParts } from './history-parts.ts';
import { HistoryWriter } from './history-writer.ts';
import { showPhase, startLiveLine, type Terminal } from './live-line.ts';
import type { LoadOptions } from './options.ts';
import { ThreadPool } from './pool.ts';
import { preload } from './preload.ts';
import { RecordedRequests } from './recorded-requests.ts';
import { type Report, reportOf } from './report.ts';
import { PlainRequests, type Requests } from './requests.ts';
import { Tally } from './tally.ts';
import type { ThreadCounts, ThreadTask } from './thread.ts';
import { Values } from './values.ts';
import { beginCounters, compareCounters, type IncrementReport, takeCounters } from './verification.ts';

const NS_PER_SECOND = 1e9;
const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1000;
/** How often the threads are asked whether all are connected, ms. */
const LOOK_MS = 2;
/** The preload's writes come from this writer, the loops count from 1. */
const MAIN_WRITER = 0;

export interface RunHooks {
  /** Ends the run early; what is counted so far is reported. */
  readonly stop: AbortSignal;
  readonly terminal: Terminal;
  /** For tests of `--verify` itself: increments leave their lock out. */
  readonly skipLock: boolean;
}

/** What the threads counted, and how long they took. */
interface Measured {
  readonly threads: readonly ThreadCounts[];
  readonly seconds: number;
  readonly cpu: CpuUse;
}

/** @throws KeyvalError when no node answers, the keys cannot be prepared or the history cannot be written */
export async function runLoad(options: LoadOptions, hooks: RunHooks): Promise<Report> {
  const originNs = process.hrtime.bigint();
  await using client = await connectTo(options, 'main');
  const history = beginHistory(options, originNs);
  const requests = requestsOf(client, history, options.valueBytes);
  try {
    return await new Run(options, hooks, originNs, client, requests).report();
  } finally {
    history?.close();
    if (options.history !== null) await joinParts(options.history, options.threads);
  }
}

function beginHistory(options: LoadOptions, originNs: bigint): HistoryWriter | null {
  const { history, threads, seed } = options;
  if (history === null) return null;
  const nowNs = clockFrom(originNs);
  const writer = new HistoryWriter({ path: history, nowNs, writer: threads, writers: threads + 1 });
  writer.meta({ ttl: LEASE_MS * NS_PER_MS, seed });
  return writer;
}

function requestsOf(client: Client, history: HistoryWriter | null, valueBytes: number): Requests {
  return history === null
    ? new PlainRequests(client)
    : new RecordedRequests({ client, history, owner: 'main', valueBytes });
}

class Run {
  readonly #options: LoadOptions;
  readonly #hooks: RunHooks;
  readonly #originNs: bigint;
  readonly #client: Client;
  readonly #requests: Requests;
  readonly #control: Control;
  /** Its name: no other run has the same counters. */
  readonly #name: string = randomUUID().slice(0, 8);

  constructor(options: LoadOptions, hooks: RunHooks, originNs: bigint, client: Client, requests: Requests) {
    this.#options = options;
    this.#hooks = hooks;
    this.#originNs = originNs;
    this.#client = client;
    this.#requests = requests;
    this.#control = Control.forThreads(options.threads);
  }

  async report(): Promise<Report> {
    const { keys, verify, valueBytes } = this.#options;
    using _phase = showPhase(`preparing ${keys.toLocaleString('en')} keys`, this.#hooks.terminal);
    await preload(this.#options, this.#requests, new Values(MAIN_WRITER, valueBytes), this.#hooks.stop);
    if (verify) await beginCounters(this.#requests, this.#name);
    const { threads, seconds, cpu } = await this.#measure();
    const tally = new Tally();
    for (const { counts } of threads) tally.add(counts);
    const increments = verify ? await this.#verify(threads) : null;
    return reportOf({ options: this.#options, seconds, tally, cpu, increments });
  }

  async #measure(): Promise<Measured> {
    const control = this.#control;
    await using pool = new ThreadPool(this.#tasks(), control);
    while (control.readyThreads < this.#options.threads && !control.stopped) await delay(LOOK_MS);
    const before = await cpuNow(this.#client);
    const startNs = clockFrom(this.#originNs)();
    control.start(startNs);
    using _end = this.#stopInTime();
    const threads = await pool.counts;
    const after = await cpuNow(this.#client);
    const endNs = Math.max(...threads.map(({ endedNs }) => endedNs));
    return { threads, seconds: (endNs - startNs) / NS_PER_SECOND, cpu: cpuBetween(before, after) };
  }

  #tasks(): ThreadTask[] {
    const common = { options: this.#options, control: this.#control.buffer, originNs: this.#originNs };
    const { skipLock } = this.#hooks;
    return Array.from({ length: this.#options.threads }, (_, thread) => ({
      ...common,
      thread,
      run: this.#name,
      skipLock,
    }));
  }

  /** Stops the threads when time is up or `hooks.stop` says so, and shows meanwhile how it goes. */
  #stopInTime(): Disposable {
    const control = this.#control;
    const { stop, terminal } = this.#hooks;
    const halt = (): void => control.stop();
    const { seconds } = this.#options;
    const timer = seconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(halt, seconds * MS_PER_SECOND);
    const line = startLiveLine(control, terminal);
    stop.addEventListener('abort', halt);
    if (stop.aborted) halt();
    return {
      [Symbol.dispose]: () => {
        clearTimeout(timer);
        line.end();
        stop.removeEventListener('abort', halt);
      },
    };
  }

  async #verify(threads: readonly ThreadCounts[]): Promise<IncrementReport> {
    const values = await takeCounters(this.#requests, this.#name);
    return compareCounters(
      values,
      threads.map(({ increments }) => increments),
    );
  }
}
