/**
 * Starts the fuzzing threads and watches them: one that makes no progress hangs in its input, one that runs out of memory
 * took too much for it; both are findings, and another thread goes on.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FileCoverage } from './engine/coverage.ts';
import { type Finding, type FindingKind, writeFinding } from './engine/finding.ts';
import { SharedMemory } from './engine/shared-memory.ts';
import type { TargetFigures, WorkerMessage, WorkerTask } from './engine/worker.ts';
import type { FuzzOptions } from './options.ts';

/** An input that takes this long hangs. */
const HANG_MS = 10_000;
const LOOK_MS = 500;
const HEAP_MIB_MAX = 1500;
/** Inputs of its life that are kept for one that hangs. */
const HANG_INPUTS_MAX = 64;
const RESTARTS_MAX = 20;

export interface FuzzReport {
  readonly seed: number;
  readonly seconds: number;
  readonly workers: number;
  readonly tried: number;
  readonly targets: readonly TargetFigures[];
  readonly files: readonly FileCoverage[];
  readonly findings: readonly { readonly file: string; readonly finding: Finding }[];
}

export interface FuzzEvents {
  figures(targets: readonly TargetFigures[]): void;
  finding(file: string, finding: Finding): void;
}

export async function runFuzz(options: FuzzOptions, events: FuzzEvents): Promise<FuzzReport> {
  const from = performance.now();
  const findings: { file: string; finding: Finding }[] = [];
  const found = (finding: Finding): void => {
    const file = writeFinding(join(options.corpus, 'findings'), finding);
    findings.push({ file, finding });
    events.finding(file, finding);
  };
  const threads = Array.from({ length: options.workers }, (_, index) => new Thread(options, index, found, events));
  await Promise.all(threads.map((thread) => thread.run()));
  const targets = sumTargets(threads.flatMap(({ figures }) => figures));
  return {
    seed: options.seed,
    seconds: (performance.now() - from) / 1000,
    workers: options.workers,
    tried: targets.reduce((sum, { tried }) => sum + tried, 0),
    targets,
    files: bestFiles(threads.flatMap(({ files }) => files)),
    findings,
  };
}

class Thread {
  files: readonly FileCoverage[] = [];
  readonly #options: FuzzOptions;
  readonly #index: number;
  readonly #found: (finding: Finding) => void;
  readonly #events: FuzzEvents;
  #before: readonly TargetFigures[] = [];
  #latest: readonly TargetFigures[] = [];

  constructor(options: FuzzOptions, index: number, found: (finding: Finding) => void, events: FuzzEvents) {
    this.#options = options;
    this.#index = index;
    this.#found = found;
    this.#events = events;
  }

  /** Of all its workers together. */
  get figures(): readonly TargetFigures[] {
    return sumTargets([...this.#before, ...this.#latest]);
  }

  async run(): Promise<void> {
    const until = performance.now() + this.#options.seconds * 1000;
    for (let start = 0; start <= RESTARTS_MAX; start += 1) {
      const seconds = (until - performance.now()) / 1000;
      if (start > 0 && seconds < 1) return;
      if (await this.#runWorker(seconds, start)) return;
      this.#before = this.figures;
      this.#latest = [];
    }
  }

  /** False: it had to be ended, or ended by itself. */
  #runWorker(seconds: number, start: number): Promise<boolean> {
    const { targets, seed, corpus, distil } = this.#options;
    const memory = new SharedMemory();
    const own = (seed + this.#index * 1000 + start) % 2 ** 32;
    const task: WorkerTask = { seconds, targets, seed: own, corpus, distil, memory: memory.buffer };
    const worker = new Worker(new URL('./engine/worker.ts', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB_MAX },
    });
    return new Promise((resolve) => {
      let done = false;
      const failed = (kind: FindingKind, message: string, stack: string): void => {
        const target = targets[memory.targetIndex] as string;
        const inputs = memory.inputs(HANG_INPUTS_MAX);
        this.#found({ target, kind, message, stack, seed: own, inputs });
      };
      const look = watch(memory, () => {
        failed('hang', `no progress for ${HANG_MS} ms`, '');
        void worker.terminate();
      });
      worker.on('message', (message: WorkerMessage) => {
        if (message.kind === 'finding') return this.#found(message.finding);
        this.#latest = message.targets;
        if (message.kind === 'figures') return this.#events.figures(message.targets);
        this.files = message.files;
        done = true;
      });
      worker.on('error', (error: Error & { code?: string }) => {
        const kind = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'exception';
        failed(kind, `${error.name}: ${error.message}`, error.stack ?? '');
      });
      worker.on('exit', () => {
        clearInterval(look);
        resolve(done);
      });
    });
  }
}

/** Calls `hangs` once when no input was begun for too long. */
function watch(memory: SharedMemory, hangs: () => void): NodeJS.Timeout {
  let begun = 0;
  let since = performance.now();
  let told = false;
  return setInterval(() => {
    if (memory.begun !== begun) since = performance.now();
    begun = memory.begun;
    // Nothing has begun yet: it is still loading.
    if (told || begun === 0 || performance.now() - since < HANG_MS) return;
    told = true;
    hangs();
  }, LOOK_MS);
}

function sumTargets(all: readonly TargetFigures[]): TargetFigures[] {
  const sums: Map<string, TargetFigures> = new Map();
  for (const one of all) {
    const sum = sums.get(one.target);
    if (sum === undefined) sums.set(one.target, one);
    else {
      const best = one.covered > sum.covered ? one : sum;
      sums.set(one.target, { ...best, tried: sum.tried + one.tried, ranMs: sum.ranMs + one.ranMs });
    }
  }
  return [...sums.values()];
}

/** Of several workers the one that reached most of a file. */
function bestFiles(all: readonly FileCoverage[]): FileCoverage[] {
  const best: Map<string, FileCoverage> = new Map();
  for (const file of all) if (file.covered > (best.get(file.path)?.covered ?? -1)) best.set(file.path, file);
  return [...best.values()];
}
