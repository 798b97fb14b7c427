/** The programs that want locks, from outside: started, killed, paused, started again under another name. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pauseProcess } from '../pause.ts';
import type { ProgramAnswer, ProgramRequest, ProgramTask } from './program.ts';

const entry: string = fileURLToPath(new URL('program.ts', import.meta.url));
const CONNECT_MS_MAX = 30_000;
const TAIL_LINES = 8;
/** Leases of the programs, one after the other: sessions end at different times. */
const LEASES_MS = [1000, 1500, 2000] as const;

/** What all programs share. */
export interface ProgramsOptions extends Pick<ProgramTask, 'endpoints' | 'loops' | 'hotKeys' | 'seed' | 'originNs'> {
  /** Where they call from: a program each. */
  readonly hosts: readonly string[];
  /** For journals and logs. */
  readonly folder: string;
}

export class Program {
  readonly host: string;
  readonly leaseMs: number;
  readonly #options: ProgramsOptions;
  readonly #index: number;
  #lives = 0;
  #child: ChildProcess | null = null;
  #isToEnd = false;
  #isOver = false;
  readonly #complaints: string[] = [];
  readonly #journals: string[] = [];

  constructor(index: number, options: ProgramsOptions) {
    this.#index = index;
    this.#options = options;
    this.host = options.hosts[index] as string;
    this.leaseMs = LEASES_MS[index % LEASES_MS.length] as number;
  }

  /** Of its present life. */
  get name(): string {
    return `p${this.#index + 1}.${this.#lives}`;
  }

  /** One for each life. */
  get journals(): readonly string[] {
    return this.#journals;
  }

  /** Lives that ended by themselves before they were told to. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  start(): void {
    if (this.#isOver) return;
    this.#lives += 1;
    const { hosts, folder, ...shared } = this.#options;
    const journal = join(folder, `${this.name}.ndjson`);
    this.#journals.push(journal);
    const life = (this.#lives - 1) * hosts.length + this.#index;
    const task: ProgramTask = { ...shared, host: this.host, name: this.name, life, leaseMs: this.leaseMs, journal };
    const logFile = join(folder, `${this.name}.log`);
    const log = openSync(logFile, 'w');
    const stdio = ['ignore', log, log, 'ipc'] as const;
    const child = spawn(process.execPath, [entry, JSON.stringify(task)], { stdio: [...stdio], detached: true });
    closeSync(log);
    this.#child = child;
    this.#isToEnd = false;
    const { name } = this;
    child.once('exit', (code, signal) => {
      if (this.#isToEnd && (code === 0 || signal === 'SIGKILL')) return;
      const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
      this.#complaints.push(`program ${name} ended with ${signal ?? code}: ${tail}`);
    });
  }

  /** Resolves when it has said so, or after `waitMs`; gives whether it has. */
  async heard(answer: ProgramAnswer, waitMs: number): Promise<boolean> {
    const child = this.#child as ChildProcess;
    const enough = new AbortController();
    const said = new Promise<boolean>((resolve) => {
      const hear = (message: unknown): void => {
        if (message === answer) resolve(true);
      };
      child.on('message', hear);
      enough.signal.addEventListener('abort', () => child.off('message', hear));
      child.once('exit', () => resolve(false));
    });
    const late = delay(waitMs, false, { signal: enough.signal }).catch(() => false);
    const result = await Promise.race([said, late]);
    enough.abort();
    return result;
  }

  untilConnected(): Promise<boolean> {
    return this.heard('connected', CONNECT_MS_MAX);
  }

  /** Waits until it holds a lock, but not for long. */
  async untilHolding(waitMs: number): Promise<void> {
    const holding = this.heard('holding', waitMs);
    this.#tell('tell');
    await holding;
  }

  #tell(request: ProgramRequest): void {
    if (this.#child?.connected) this.#child.send(request, () => undefined);
  }

  /** kill −9; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    this.#isToEnd = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  pause(ms: number): Promise<{ readonly awake: Promise<void> }> {
    return pauseProcess((this.#child as ChildProcess).pid as number, ms);
  }

  /** At once and for good: it is not started again. */
  async finish(): Promise<void> {
    this.#isOver = true;
    if (this.#child !== null) await this.kill();
  }

  /** Lets it end by itself; kills it when that takes too long, and gives whether it ended. */
  async end(waitMs: number): Promise<boolean> {
    this.#isToEnd = true;
    const ended = this.heard('ended', waitMs);
    this.#tell('end');
    const result = await ended;
    if (!result) await this.kill();
    return result;
  }
}

export class Programs implements AsyncDisposable {
  readonly all: readonly Program[];

  /** Resolves when all are connected. @throws Error naming one that is not */
  static async start(options: ProgramsOptions): Promise<Programs> {
    await mkdir(options.folder, { recursive: true });
    const programs = new Programs(options);
    try {
      for (const program of programs.all) program.start();
      const connected = await Promise.all(programs.all.map((program) => program.untilConnected()));
      const missing = programs.all[connected.indexOf(false)];
      if (missing !== undefined) throw new Error(`${missing.name} is not connected: ${missing.complaints.join('; ')}`);
      return programs;
    } catch (error) {
      await programs[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(options: ProgramsOptions) {
    this.all = options.hosts.map((_, index) => new Program(index, options));
  }

  /** Gives the names of those that had to be killed. */
  async end(waitMs: number): Promise<string[]> {
    const ended = await Promise.all(this.all.map((program) => program.end(waitMs)));
    return this.all.filter((_, index) => !ended[index]).map(({ name }) => name);
  }

  /** Those that were written: a life may be killed before it begins. */
  get journals(): string[] {
    return this.all.flatMap(({ journals }) => journals).filter((path) => existsSync(path));
  }

  get complaints(): string[] {
    return this.all.flatMap(({ complaints }) => complaints);
  }

  /** At once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((program) => program.finish()));
  }
}
