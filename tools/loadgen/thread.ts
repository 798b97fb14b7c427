/** A worker thread: one client, many loops, their counts. `worker.ts` is its entry. */
import { Prng } from '../../src/base/prng.ts';
import type { Client } from '../../src/index.ts';
import { clockFrom } from './clock.ts';
import { Control } from './control.ts';
import { type FlowHost, runFlow } from './flow.ts';
import type { HistoryWriter } from './history-writer.ts';
import { type IncrementCounts, Increments, noIncrements } from './increments.ts';
import type { Kind } from './kinds.ts';
import { Mix } from './mix.ts';
import { Operations } from './operations.ts';
import type { LoadOptions } from './options.ts';
import { Pacer } from './pacer.ts';
import { RecordedRequests } from './recorded-requests.ts';
import { PlainRequests } from './requests.ts';
import { type Counts, Tally } from './tally.ts';
import { Values } from './values.ts';
import { type Picker, pickerOf } from './zipf.ts';

const NS_PER_SECOND = 1e9;

/** What a thread is told; plain data. */
export interface ThreadTask {
  readonly thread: number;
  readonly options: LoadOptions;
  /** Memory of the `Control`. */
  readonly control: SharedArrayBuffer;
  /** `process.hrtime.bigint()` at the beginning of the run. */
  readonly originNs: bigint;
  /** Name of the run. */
  readonly run: string;
  readonly skipLock: boolean;
}

export interface ThreadCounts {
  readonly counts: Counts;
  readonly increments: IncrementCounts;
  /** When the last loop ended. */
  readonly endedNs: number;
}

export class Thread implements FlowHost {
  readonly mix: Mix;
  readonly picker: Picker;
  readonly pacer: Pacer | null;
  readonly nowNs: () => number;
  readonly #task: ThreadTask;
  readonly #control: Control;
  readonly #tally: Tally = new Tally();
  readonly #increments: IncrementCounts = noIncrements();
  readonly #owners: Set<RecordedRequests> = new Set();
  #opsLeft: number;
  #isCut = false;

  /** Create it when the run has started. */
  constructor(task: ThreadTask) {
    const { options, thread } = task;
    this.#task = task;
    this.#control = new Control(task.control);
    this.mix = new Mix(options.mix);
    this.picker = pickerOf(options.keys, options.zipf);
    this.nowNs = clockFrom(task.originNs);
    this.pacer = options.rate === Number.POSITIVE_INFINITY ? null : this.#pacer();
    this.#opsLeft = shareOf(options.ops, thread, options.threads);
  }

  /** The slots of a rate are dealt to the threads in turn. */
  #pacer(): Pacer {
    const { thread, options } = this.#task;
    const slotNs = NS_PER_SECOND / options.rate;
    return new Pacer({
      firstNs: this.nowNs() + thread * slotNs,
      intervalNs: options.threads * slotNs,
      nowNs: this.nowNs,
      after: (delayMs, callback) => void setTimeout(callback, delayMs),
      isStopped: () => this.stopped,
    });
  }

  get stopped(): boolean {
    return this.#control.stopped;
  }

  begin(): boolean {
    if (this.#opsLeft <= 0 || this.stopped) return false;
    this.#opsLeft -= 1;
    return true;
  }

  answered(kind: Kind, durationNs: number, accepted: boolean): void {
    this.#tally.answered(kind, durationNs, accepted);
    this.#control.countOperation(this.#task.thread);
  }

  failed(kind: Kind, error: unknown): void {
    if (this.#isCut) return;
    this.#tally.failed(kind, error);
    this.#control.countError(this.#task.thread);
  }

  /** Runs all loops to their end. */
  async run(client: Client, history: HistoryWriter | null): Promise<ThreadCounts> {
    const { options } = this.#task;
    const hasCas = options.mix.some(([kind]) => kind === 'cas');
    const revisions = hasCas ? new BigUint64Array(options.keys) : null;
    const flows = Array.from({ length: options.loops }, (_, loop) => this.#flow(loop, client, history, revisions));
    await Promise.all(flows);
    return { counts: this.#tally.counts, increments: this.#increments, endedNs: this.nowNs() };
  }

  async #flow(
    loop: number,
    client: Client,
    history: HistoryWriter | null,
    revisions: BigUint64Array | null,
  ): Promise<void> {
    const { thread, options, run, skipLock } = this.#task;
    const owner = `${thread}.${loop}`;
    const random = new Prng(options.seed).fork(owner);
    const valueBytes = options.valueBytes;
    const recorded = history === null ? null : new RecordedRequests({ client, history, owner, valueBytes });
    const requests = recorded ?? new PlainRequests(client);
    const values = new Values(1 + thread * options.loops + loop, valueBytes);
    const operations = new Operations({ requests, values, revisions });
    const increments = new Increments({ requests, random, counts: this.#increments, run, skipLock });
    if (recorded !== null) this.#owners.add(recorded);
    await runFlow(this, { random, operations, increments: options.verify ? increments : null });
    if (recorded !== null) this.#owners.delete(recorded);
  }

  /** Nothing that fails from here on counts: the client is about to be closed under the loops that still run. */
  cut(): void {
    this.#isCut = true;
    for (const owner of this.#owners) owner.leave();
  }
}

/** The part of `total` that falls on one of `parts`; all parts together are the total. */
function shareOf(total: number, part: number, parts: number): number {
  if (total === Number.POSITIVE_INFINITY) return total;
  return Math.floor(total / parts) + (part < total % parts ? 1 : 0);
}
