/**
 * Requests for locks, held or waited for, as numbers: their fields lie in typed arrays, and a request that is granted keeps
 * its number. What few have (a lock-delay, a label) stands in maps.
 */
import { assert } from '../base/assert.ts';

const NONE = -1;
const REQUESTS_MIN = 8;
const FIELDS_BYTES = 76;

const State = { free: 0, taken: 1, waiting: 2, granted: 3, abandoned: 4 } as const;

export interface RequestFacts {
  readonly attachment: number;
  readonly sequence: number;
  readonly mode: number;
  /** Of the session: what does one thing after another (L10); 0: not told. */
  readonly flow: number;
}

export class Requests {
  #states: Uint8Array = new Uint8Array(REQUESTS_MIN);
  #locks: Int32Array = new Int32Array(REQUESTS_MIN);
  #attachments: Int32Array = new Int32Array(REQUESTS_MIN);
  #sequences: Int32Array = new Int32Array(REQUESTS_MIN);
  #modes: Uint8Array = new Uint8Array(REQUESTS_MIN);
  #flows: Uint32Array = new Uint32Array(REQUESTS_MIN);
  #epochs: Uint32Array = new Uint32Array(REQUESTS_MIN);
  #operations: Int32Array = new Int32Array(REQUESTS_MIN);
  #sinceMs: Float64Array = new Float64Array(REQUESTS_MIN);
  readonly #delays: Map<number, number> = new Map();
  readonly #labels: Map<number, string> = new Map();
  /** Of those abandoned: until when (L13). */
  readonly #untilMs: Map<number, number> = new Map();
  readonly #freed: number[] = [];
  #end = 0;

  get bytes(): number {
    return this.#states.length * FIELDS_BYTES + (this.#delays.size + this.#labels.size) * 64;
  }

  /** A new request, for `LockTable.acquire`. */
  take(attachment: number, sequence: number, mode: number, flow: number): number {
    const request = this.#freed.pop() ?? this.#grown();
    this.#states[request] = State.taken;
    this.#fill(request, attachment, sequence, mode, flow);
    return request;
  }

  #fill(request: number, attachment: number, sequence: number, mode: number, flow: number): void {
    this.#locks[request] = NONE;
    this.#attachments[request] = attachment;
    this.#sequences[request] = sequence;
    this.#modes[request] = mode;
    this.#flows[request] = flow;
    this.#epochs[request] = 0;
    this.#operations[request] = 0;
  }

  #grown(): number {
    const request = this.#end;
    this.#end += 1;
    if (request < this.#states.length) return request;
    const size = this.#states.length * 2;
    this.#states = widened(this.#states, new Uint8Array(size));
    this.#locks = widened(this.#locks, new Int32Array(size));
    this.#attachments = widened(this.#attachments, new Int32Array(size));
    this.#sequences = widened(this.#sequences, new Int32Array(size));
    this.#modes = widened(this.#modes, new Uint8Array(size));
    this.#flows = widened(this.#flows, new Uint32Array(size));
    this.#epochs = widened(this.#epochs, new Uint32Array(size));
    this.#operations = widened(this.#operations, new Int32Array(size));
    this.#sinceMs = widened(this.#sinceMs, new Float64Array(size));
    return request;
  }

  free(request: number): void {
    assert(this.#states[request] !== State.free, 'lock requests: freed twice');
    this.#states[request] = State.free;
    if (this.#delays.size > 0) this.#delays.delete(request);
    if (this.#labels.size > 0) this.#labels.delete(request);
    if (this.#untilMs.size > 0) this.#untilMs.delete(request);
    this.#freed.push(request);
  }

  isWaiting(request: number): boolean {
    return this.#states[request] === State.waiting;
  }

  isGranted(request: number): boolean {
    return this.#states[request] === State.granted;
  }

  /** L13: nobody holds it, and it is locked all the same. */
  isAbandoned(request: number): boolean {
    return this.#states[request] === State.abandoned;
  }

  /** Slot of the lock. */
  lock(request: number): number {
    return this.#locks[request] as number;
  }

  /** Whose it is; −1: nobody's, with `isAbandoned`. */
  attachment(request: number): number {
    return this.#attachments[request] as number;
  }

  sequence(request: number): number {
    return this.#sequences[request] as number;
  }

  mode(request: number): number {
    return this.#modes[request] as number;
  }

  flow(request: number): number {
    return this.#flows[request] as number;
  }

  tokenEpoch(request: number): number {
    return this.#epochs[request] as number;
  }

  tokenOperation(request: number): number {
    return this.#operations[request] as number;
  }

  hasToken(request: number, epoch: number, operation: number): boolean {
    return this.#operations[request] === operation && this.#epochs[request] === epoch;
  }

  /** Log time of the grant, or of the beginning of the wait. */
  sinceMs(request: number): number {
    return this.#sinceMs[request] as number;
  }

  /** L13: how long the key stays locked when the lock is lost; 0: not at all. */
  delayMs(request: number): number {
    return this.#delays.size === 0 ? 0 : (this.#delays.get(request) ?? 0);
  }

  /** What its holder says it is for; empty: nothing. */
  label(request: number): string {
    return this.#labels.size === 0 ? '' : (this.#labels.get(request) ?? '');
  }

  /** Log time at which an abandoned lock is free. */
  untilMs(request: number): number {
    return this.#untilMs.get(request) ?? 0;
  }

  /** Those abandoned. */
  get abandoned(): IterableIterator<number> {
    return this.#untilMs.keys();
  }

  get abandonedCount(): number {
    return this.#untilMs.size;
  }

  setDelay(request: number, delayMs: number): void {
    if (delayMs > 0) this.#delays.set(request, delayMs);
  }

  setLabel(request: number, label: string): void {
    if (label !== '') this.#labels.set(request, label);
  }

  setLock(request: number, slot: number): void {
    this.#locks[request] = slot;
  }

  setMode(request: number, mode: number): void {
    this.#modes[request] = mode;
  }

  setSequence(request: number, sequence: number): void {
    this.#sequences[request] = sequence;
  }

  grant(request: number, epoch: number, operation: number, nowMs: number): void {
    this.#states[request] = State.granted;
    this.#epochs[request] = epoch;
    this.#operations[request] = operation;
    this.#sinceMs[request] = nowMs;
  }

  wait(request: number, nowMs: number): void {
    this.#states[request] = State.waiting;
    this.#sinceMs[request] = nowMs;
  }

  abandon(request: number, untilMs: number): void {
    this.#states[request] = State.abandoned;
    this.#attachments[request] = NONE;
    this.#untilMs.set(request, untilMs);
  }

  // ---- for snapshots

  /** Numbers that are free; the last one is taken next. */
  get freed(): readonly number[] {
    return this.#freed;
  }

  /** Puts a request back under its number: as `wait`, `grant` or `abandon` would leave it, which is called next. */
  restore(request: number, slot: number, { attachment, sequence, mode, flow }: RequestFacts): void {
    while (this.#end <= request) this.#grown();
    assert(this.#states[request] === State.free, 'lock requests: a number stands for one request');
    this.#states[request] = State.taken;
    this.#fill(request, attachment, sequence, mode, flow);
    this.setLock(request, slot);
  }

  /** All the numbers that no request has; afterwards new ones get those that they would have got. */
  restoreFreed(requests: readonly number[]): void {
    for (const request of requests) {
      while (this.#end <= request) this.#grown();
      this.#freed.push(request);
    }
  }
}

function widened<T extends Int32Array | Uint32Array | Float64Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
