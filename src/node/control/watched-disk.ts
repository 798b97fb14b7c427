/** A disk that is asked for one thing at a time, and that falls silent when the node stops. */
import { assert } from '../../base/assert.ts';
import type { Disk, DiskStep } from '../../base/ports.ts';

export class WatchedDisk implements Disk {
  readonly #disk: Disk;
  #isWriting = false;
  #isStopped = false;
  #idle: (() => void) | null = null;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get path(): string {
    return this.#disk.path;
  }

  get isWriting(): boolean {
    return this.#isWriting;
  }

  list(): readonly string[] {
    return this.#disk.list();
  }

  read(name: string): Uint8Array | null {
    return this.#disk.read(name);
  }

  write(steps: readonly DiskStep[], done: (error: Error | null) => void): void {
    if (this.#isStopped) return;
    assert(!this.#isWriting, 'control: one write after another');
    this.#isWriting = true;
    this.#disk.write(steps, (error) => {
      this.#isWriting = false;
      if (this.#isStopped) this.#idle?.();
      else done(error);
    });
  }

  /** Takes no more; resolves when nothing is being written. */
  stop(): Promise<void> {
    this.#isStopped = true;
    if (!this.#isWriting) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }
}
