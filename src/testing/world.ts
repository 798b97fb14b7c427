/**
 * A world in one process, decided by a seed: virtual time, everything that is going to happen, one stream of random
 * numbers per subsystem, and a rolling hash of what has happened. Two runs of one seed have the same hash.
 *
 * Nodes and clients use promises, so one event is over only when all promises that it settled have been told. Node.js
 * empties the whole queue of such jobs before it takes the next `nextTick`; the loop below, itself such a job, therefore
 * waits for a tick between two events. That costs a fraction of a microsecond, where waiting for the event loop would cost
 * several, and nothing outside can come in between: a run is one turn of the real event loop, however long.
 */
import { absorb, finish } from '../base/mix.ts';
import { Prng } from '../base/prng.ts';
import { EventHeap, SimEvent } from './event-heap.ts';
import type { SimProcess } from './sim-process.ts';
import { Trace } from './trace.ts';

/** So many events at one moment are a loop that never lets time pass. */
const EVENTS_AT_ONCE_MAX = 200_000;

/** Of longer writes every so many-th byte goes into the hash. */
const WHOLE_BYTES_MAX = 4096;
const SAMPLE_STEP = 61;

export interface WorldOptions {
  /** Keep every line of the trace, not only the last ones. */
  readonly trace?: boolean;
}

/** Something that must not happen has happened. */
export interface Breach {
  /** What was broken, in few words; the same for the same fault. */
  readonly rule: string;
  readonly text: string;
  readonly atMs: number;
}

export class World {
  readonly seed: number;
  readonly trace: Trace;
  /** Virtual milliseconds since the world began. */
  nowMs = 0;
  /** Events run so far. */
  steps = 0;
  /** The first breach; the run ends with it. */
  breach: Breach | null = null;
  /** Told after each event of a process. */
  afterStep: ((process: SimProcess) => void) | null = null;
  readonly #random: Prng;
  readonly #heap: EventHeap = new EventHeap();
  readonly #soon: { process: SimProcess; run: () => void }[] = [];
  #lastId = 0;
  #hash = 0;
  #eventsAtOnce = 0;

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed;
    this.#random = new Prng(seed);
    this.trace = new Trace(() => this.nowMs, options.trace ?? false);
  }

  /** The stream of random numbers of a subsystem; what others draw does not change it. */
  random(name: string): Prng {
    return this.#random.fork(name);
  }

  /** What has happened so far, as one number. */
  get hash(): number {
    return finish(this.#hash);
  }

  /** Takes something into the hash: what was sent, what was answered. */
  note(word: number): void {
    this.#hash = absorb(this.#hash, word);
  }

  noteBytes(bytes: Uint8Array): void {
    let hash = absorb(this.#hash, bytes.length);
    const step = bytes.length > WHOLE_BYTES_MAX ? SAMPLE_STEP : 1;
    for (let at = 0; at < bytes.length; at += step) hash = (Math.imul(hash, 31) + (bytes[at] as number)) | 0;
    this.#hash = hash;
  }

  /** `run` is called in `afterMs`, as an event of `process`. */
  schedule(process: SimProcess | null, afterMs: number, run: () => void): SimEvent {
    const event = new SimEvent(this.nowMs + (afterMs > 0 ? afterMs : 0), this.#nextId(), process, run);
    this.#heap.push(event);
    return event;
  }

  /** The event happens at once, behind what is scheduled for now. */
  reschedule(event: SimEvent): void {
    event.atMs = this.nowMs;
    event.id = this.#nextId();
    this.#heap.push(event);
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** `run` is called when the present event is over, before the next one. */
  soon(process: SimProcess, run: () => void): void {
    this.#soon.push({ process, run });
  }

  /** Something is wrong: the run ends after this event. */
  fail(rule: string, text: string): void {
    if (this.breach !== null) return;
    this.breach = { rule, text, atMs: this.nowMs };
    this.trace.line('world', `BROKEN ${rule}: ${text}`);
  }

  /** Lets `forMs` pass, or less: until `done()` or a breach. True when it was `done`. */
  async run(forMs: number, done: () => boolean = never): Promise<boolean> {
    const untilMs = this.nowMs + forMs;
    await quiet();
    while (this.breach === null) {
      if (done()) return true;
      const event = this.#heap.peek();
      if (event === undefined || event.atMs > untilMs) {
        this.nowMs = untilMs;
        return done();
      }
      this.#heap.pop();
      if (!this.#begin(event)) continue;
      await quiet();
      for (let next = this.#soon.shift(); next !== undefined; next = this.#soon.shift()) {
        if (next.process.state === 'dead') continue;
        this.#call(next.process, next.run);
        await quiet();
      }
      if (event.process !== null) this.afterStep?.(event.process);
    }
    return false;
  }

  /** False: the event does not happen, or not now. */
  #begin(event: SimEvent): boolean {
    const { process } = event;
    if (event.cancelled) return false;
    if (process !== null && process.state !== 'running') {
      process.missed(event);
      return false;
    }
    if (event.atMs > this.nowMs) this.#eventsAtOnce = 0;
    this.nowMs = event.atMs;
    this.steps += 1;
    this.#eventsAtOnce += 1;
    if (this.#eventsAtOnce > EVENTS_AT_ONCE_MAX) this.fail('livelock', `${EVENTS_AT_ONCE_MAX} events at one moment`);
    this.#hash = absorb(absorb(this.#hash, (event.atMs * 1000) | 0), process === null ? -1 : process.number);
    this.#call(process, event.run);
    return true;
  }

  #call(process: SimProcess | null, run: () => void): void {
    try {
      run();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.fail('crash', `${process?.name ?? 'world'}: ${text}`);
    }
  }
}

function never(): boolean {
  return false;
}

/** Resolves when nothing is left that a promise would wake. */
function quiet(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
