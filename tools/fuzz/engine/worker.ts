/** The thread that fuzzes: all targets in turns, until time is up. It tells findings and figures. */
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Prng } from '../../../src/base/prng.ts';
import { Campaign } from './campaign.ts';
import { keepInput, readCorpus, readHexLines, writeHexLines } from './corpus.ts';
import { Coverage, type FileCoverage } from './coverage.ts';
import type { Finding } from './finding.ts';
import { catchEscaped } from './runner.ts';
import { SharedMemory } from './shared-memory.ts';
import { Tracer } from './tracer.ts';

export interface WorkerTask {
  readonly seconds: number;
  readonly targets: readonly string[];
  readonly seed: number;
  readonly corpus: string;
  readonly distil: string | null;
  readonly memory: SharedArrayBuffer;
}

export interface TargetFigures {
  readonly target: string;
  readonly tried: number;
  readonly ranMs: number;
  readonly corpus: number;
  readonly covered: number;
  readonly blocks: number;
}

export type WorkerMessage =
  | { readonly kind: 'figures'; readonly targets: readonly TargetFigures[] }
  | { readonly kind: 'finding'; readonly finding: Finding }
  | { readonly kind: 'done'; readonly targets: readonly TargetFigures[]; readonly files: readonly FileCoverage[] };

const ROOT = new URL('../../../', import.meta.url);
/** Inputs that were committed: one file a target, one input a line. */
export const COMMITTED: URL = new URL('test/tools/fuzz/corpus/', ROOT);
/** A target has its turn for so long. */
const TURN_MS = 2000;
/** More than this above what a target held after its first turn is a leak. */
const GROWTH_BYTES_MAX: number = 256 * 1024 * 1024;

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

class Fuzzing {
  readonly #task: WorkerTask;
  readonly #memory: SharedMemory;
  readonly #campaigns: Campaign[] = [];
  readonly #heldAtFirst: Map<Campaign, number> = new Map();
  readonly #collectGarbage: () => void;

  constructor(task: WorkerTask) {
    this.#task = task;
    this.#memory = new SharedMemory(task.memory);
    setFlagsFromString('--expose-gc');
    this.#collectGarbage = runInNewContext('gc') as () => void;
  }

  async run(): Promise<void> {
    const { seconds, seed, corpus, targets: names } = this.#task;
    const until = performance.now() + seconds * 1000;
    const tracer = new Tracer(ROOT.href);
    tracer.start();
    const { targets } = await import('../targets/index.ts'); // only now: what it loads is traced
    const loaded = tracer.take(['src/']);
    for (const [index, target] of targets(names).entries()) {
      this.#memory.target(index);
      const folder = join(corpus, target.name);
      const campaign = new Campaign({
        target,
        tracer,
        prng: new Prng(seed).fork(target.name),
        seed,
        watch: this.#memory,
        kept: (input) => keepInput(folder, input),
        found: (finding) => tell({ kind: 'finding', finding }),
      });
      const committed = readHexLines(new URL(`${target.name}.hex`, COMMITTED).pathname);
      await campaign.begin([...target.seeds, ...committed, ...readCorpus(folder)], loaded);
      this.#campaigns.push(campaign);
    }
    if (this.#task.distil !== null) await this.#distil(this.#task.distil);
    else while (performance.now() < until) for (const index of names.keys()) await this.#turn(index, until);
    const all = new Coverage();
    for (const { coverage } of this.#campaigns) all.join(coverage);
    tell({ kind: 'done', targets: this.#figures(), files: all.byFile() });
  }

  async #turn(index: number, until: number): Promise<void> {
    const campaign = this.#campaigns[index] as Campaign;
    this.#memory.target(index);
    campaign.enter();
    const end = Math.min(until, performance.now() + TURN_MS);
    while (performance.now() < end) await campaign.step();
    this.#checkMemory(campaign);
    tell({ kind: 'figures', targets: this.#figures() });
  }

  #checkMemory(campaign: Campaign): void {
    campaign.target.reset();
    this.#collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    const held = heapUsed + external;
    const before = this.#heldAtFirst.get(campaign);
    if (before === undefined) this.#heldAtFirst.set(campaign, held);
    else if (held > before + GROWTH_BYTES_MAX) {
      const message = `memory has grown by ${Math.round((held - before) / 2 ** 20)} MiB`;
      const { name } = campaign.target;
      tell({
        kind: 'finding',
        finding: { target: name, kind: 'memory', message, stack: '', seed: this.#task.seed, inputs: [] },
      });
      this.#heldAtFirst.set(campaign, held);
    }
  }

  async #distil(folder: string): Promise<void> {
    for (const campaign of this.#campaigns) {
      campaign.enter();
      writeHexLines(join(folder, `${campaign.target.name}.hex`), await campaign.distil());
    }
  }

  #figures(): TargetFigures[] {
    return this.#campaigns.map(({ target, tried, ranMs, corpus, coverage }) => {
      return { target: target.name, tried, ranMs, corpus: corpus.length, ...coverage.total() };
    });
  }
}

if (parentPort !== null) {
  catchEscaped();
  await new Fuzzing(workerData as WorkerTask).run();
}
