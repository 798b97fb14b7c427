/**
 * What the threads of a run share: a few numbers in shared memory. The main thread stops the others by a flag there; no
 * task of the pool is aborted, which could end the process (Piscina 5).
 *
 *     bytes 0–7: start (ns)  │  8–15: flags (stop, threads ready)  │  from 16, per thread: operations, errors
 */

const START_BYTES = 8;
const FLAG_COUNT = 2;
const FLAG_BYTES = FLAG_COUNT * 4;
const COUNTERS_AT = START_BYTES + FLAG_BYTES;
const COUNTERS_PER_THREAD = 2;

const Flag = { stop: 0, ready: 1 } as const;

export class Control {
  readonly buffer: SharedArrayBuffer;
  readonly #start: BigInt64Array;
  readonly #flags: Int32Array;
  /** Each is written by one thread only; the main thread reads them for the live line. */
  readonly #counters: Float64Array;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#start = new BigInt64Array(buffer, 0, 1);
    this.#flags = new Int32Array(buffer, START_BYTES, FLAG_COUNT);
    this.#counters = new Float64Array(buffer, COUNTERS_AT);
  }

  static forThreads(threads: number): Control {
    return new Control(new SharedArrayBuffer(COUNTERS_AT + threads * COUNTERS_PER_THREAD * 8));
  }

  /** Ends the run: loops finish what they are at. */
  stop(): void {
    Atomics.store(this.#flags, Flag.stop, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#flags, Flag.stop) !== 0;
  }

  /** One more thread is connected. */
  ready(): void {
    Atomics.add(this.#flags, Flag.ready, 1);
  }

  get readyThreads(): number {
    return Atomics.load(this.#flags, Flag.ready);
  }

  /** The clock starts: at `nowNs`, above 0. */
  start(nowNs: number): void {
    Atomics.store(this.#start, 0, BigInt(nowNs));
  }

  /** 0 while the run has not started. */
  get startedNs(): number {
    return Number(Atomics.load(this.#start, 0));
  }

  countOperation(thread: number): void {
    this.#increase(thread * COUNTERS_PER_THREAD);
  }

  countError(thread: number): void {
    this.#increase(thread * COUNTERS_PER_THREAD + 1);
  }

  #increase(at: number): void {
    this.#counters[at] = (this.#counters[at] as number) + 1;
  }

  /** Operations that succeeded, over all threads. */
  get operations(): number {
    return this.#sum(0);
  }

  get errors(): number {
    return this.#sum(1);
  }

  #sum(first: number): number {
    let sum = 0;
    for (let at = first; at < this.#counters.length; at += COUNTERS_PER_THREAD) sum += this.#counters[at] as number;
    return sum;
  }
}
