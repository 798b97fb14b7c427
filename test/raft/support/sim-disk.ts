/** A directory in memory that crashes as disks do: what was not synced is lost, torn, or full of empty sectors. */

import type { Disk, DiskStep } from '../../../src/base/ports.ts';
import type { Prng } from '../../../src/base/prng.ts';

const SECTOR_BYTES = 512;

interface Pending {
  readonly steps: readonly DiskStep[];
  readonly done: (error: Error | null) => void;
}

export class SimDisk implements Disk {
  readonly path: string;
  readonly files: Map<string, Uint8Array> = new Map();
  /** Called when a write waits for `complete`; without it writes are done at once. */
  onWrite: (() => void) | null = null;
  /** The next write fails with this. */
  failNext: Error | null = null;
  writes = 0;
  torn = 0;
  #pending: Pending | null = null;

  constructor(path: string) {
    this.path = path;
  }

  list(): string[] {
    return [...this.files.keys()].sort();
  }

  read(name: string): Uint8Array | null {
    return this.files.get(name)?.slice() ?? null;
  }

  write(steps: readonly DiskStep[], done: (error: Error | null) => void): void {
    if (this.#pending !== null) throw new Error('one write after another');
    this.writes += 1;
    const failure = this.failNext;
    this.failNext = null;
    if (failure !== null) return done(failure);
    this.#pending = { steps, done };
    if (this.onWrite === null) this.complete();
    else this.onWrite();
  }

  get isWriting(): boolean {
    return this.#pending !== null;
  }

  complete(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    for (const step of pending.steps) this.#apply(step);
    pending.done(null);
  }

  /** The process or the machine dies: some of the steps under way are done, the one after them in part. */
  crash(random: Prng): void {
    const steps = this.#pending?.steps ?? [];
    this.#pending = null;
    if (steps.length === 0) return;
    const whole = random.below(steps.length + 1);
    for (const step of steps.slice(0, whole)) this.#apply(step);
    const partial = steps[whole];
    if (partial?.kind === 'append') this.#tear(partial.name, partial.bytes, random);
    if (partial?.kind === 'create' && random.below(2) === 0) {
      this.files.set(`${partial.name}.part`, partial.bytes.slice(0, random.below(partial.bytes.length)));
    }
  }

  #tear(name: string, bytes: Uint8Array, random: Prng): void {
    this.torn += 1;
    if (random.below(2) === 0) return this.#append(name, bytes.subarray(0, random.below(bytes.length)));
    // The file has its length, but not every sector was written.
    const before = this.files.get(name)?.length ?? 0;
    const torn = bytes.slice();
    const lost = before + random.below(bytes.length);
    const start = Math.max(before, lost - (lost % SECTOR_BYTES));
    const end = Math.min(before + bytes.length, lost - (lost % SECTOR_BYTES) + SECTOR_BYTES);
    torn.fill(0, start - before, end - before);
    this.#append(name, torn);
  }

  #apply(step: DiskStep): void {
    if (step.kind === 'create') this.files.set(step.name, step.bytes.slice());
    else if (step.kind === 'append') this.#append(step.name, step.bytes);
    else if (step.kind === 'cut') this.files.set(step.name, (this.read(step.name) as Uint8Array).slice(0, step.length));
    else this.files.delete(step.name);
  }

  #append(name: string, bytes: Uint8Array): void {
    const before = this.files.get(name) ?? new Uint8Array(0);
    const after = new Uint8Array(before.length + bytes.length);
    after.set(before);
    after.set(bytes, before.length);
    this.files.set(name, after);
  }
}
