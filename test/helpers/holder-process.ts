/** lock-holder.ts as a process: what it has told, and what becomes of its lock meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Client } from '../../src/index.ts';
import type { HolderOptions, Told } from './lock-holder.ts';

const script = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));
const LOOK_MS = 50;

type Telling<E extends Told['event']> = Extract<Told, { event: E }>;

export class HolderProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly #told: Told[] = [];
  readonly #news: EventEmitter = new EventEmitter();
  #isOver = false;

  constructor(t: ExecutionContext, options: HolderOptions) {
    this.child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      this.#told.push(JSON.parse(line) as Told);
      this.#news.emit('news');
    });
    this.exit = once(this.child, 'close').then(([code]) => {
      this.#isOver = true;
      this.#news.emit('news');
      return code as number | null;
    });
    t.teardown(() => this.child.kill('SIGKILL'));
  }

  has<E extends Told['event']>(event: E): Telling<E> | undefined {
    return this.#told.find((told): told is Telling<E> => told.event === event);
  }

  /** Resolves with what it tells so. */
  async tells<E extends Told['event']>(event: E): Promise<Telling<E>> {
    for (;;) {
      const told = this.has(event);
      if (told !== undefined) return told;
      if (this.#isOver) throw new Error(`the holder ended without '${event}': ${JSON.stringify(this.#told)}`);
      await once(this.#news, 'news');
    }
  }

  /** Another program tries for the lock again and again, until the holder is back. True: never with success. */
  async keepsFrom(other: Client, key: string): Promise<boolean> {
    while (this.has('back') === undefined && !this.#isOver) {
      const lock = await other.tryLock(key);
      if (lock !== null) {
        await lock.release();
        return this.has('back') !== undefined;
      }
      await pause(LOOK_MS);
    }
    return true;
  }
}
