/**
 * One target under fuzz: mutants in batches, a look at the coverage after each, which takes milliseconds. In a batch that
 * reached something new the first input that did is searched for by halving, in the state that the inputs before it in its
 * life made; it joins the corpus, from which mutants are made. While there is news batches stay small, then they grow.
 */
import type { Prng } from '../../../src/base/prng.ts';
import type { Target } from '../target.ts';
import { Coverage } from './coverage.ts';
import { describeError, type Finding, signatureOf } from './finding.ts';
import { Mutator } from './mutator.ts';
import { type Failure, Runner, type Watch } from './runner.ts';
import { shrink } from './shrink.ts';
import type { ScriptCoverage, Tracer } from './tracer.ts';
import { WORDS } from './words.ts';

const BATCH_MIN = 200;
const BATCH_MAX = 8192;
/** A batch takes no longer than about this. */
const BATCH_MS = 200;
const BATCH_BYTES_MAX: number = 4 * 1024 * 1024;
/** At most this share of the time goes into searching for the inputs that reached something new. */
const SEARCH_SHARE_MAX = 0.4;
/** One search takes no longer; what it has not found by then stays news. */
const SEARCH_MS_MAX = 500;
const CORPUS_MAX = 4000;
const SHRINK_TRIES = 8;
const FINDING_TRIES = 2000;
/** Inputs shorter than this are not made smaller. */
const SHRINK_FROM_BYTES = 160;

export interface CampaignOptions {
  readonly target: Target;
  readonly tracer: Tracer;
  readonly prng: Prng;
  readonly seed: number;
  readonly watch?: Watch;
  /** Told of each input that reached something new. */
  readonly kept?: (input: Uint8Array) => void;
  readonly found: (finding: Finding) => void;
}

export class Campaign {
  readonly target: Target;
  readonly coverage: Coverage = new Coverage();
  readonly corpus: Uint8Array[] = [];
  /** Mutants tried, each counted once. */
  tried = 0;
  ranMs = 0;
  #searchedMs = 0;
  readonly #options: CampaignOptions;
  readonly #runner: Runner;
  readonly #mutator: Mutator;
  readonly #known: Set<string> = new Set();
  #batch: number = BATCH_MIN;
  /** Something ran since the last look at the coverage. */
  #untaken = true;
  #memory: Uint8Array = new Uint8Array(0);

  constructor(options: CampaignOptions) {
    const { target, prng, watch } = options;
    this.#options = options;
    this.target = target;
    this.#runner = new Runner(target, watch);
    const { inputBytesMax, framesFrom } = target;
    const words = [...WORDS, ...target.words];
    this.#mutator = new Mutator({ prng, inputBytesMax, framesFrom, words });
  }

  /**
   * Runs what is there to begin with; all of it joins the corpus. `loaded`: what loading the code has reached, and which
   * functions there are.
   */
  async begin(inputs: readonly Uint8Array[], loaded: readonly ScriptCoverage[] = []): Promise<void> {
    const { files } = this.target;
    this.coverage.add(loaded.filter(({ path }) => files.some((prefix) => path.startsWith(prefix))));
    const fitting = inputs.filter((input) => input.length <= this.target.inputBytesMax);
    this.corpus.push(...(fitting.length === 0 ? [new Uint8Array(1)] : fitting));
    this.#options.tracer.take([]); // what the other targets did
    await this.#tryAll(this.corpus);
    this.coverage.add(this.#take());
  }

  /** Other code has run meanwhile, which is not this target's. */
  enter(): void {
    this.#untaken = true;
  }

  /** One batch of mutants. */
  async step(): Promise<void> {
    const from = performance.now();
    if (this.#untaken) this.#take();
    const mutants = this.#mutants();
    await this.#tryAll(mutants);
    const tookMs = performance.now() - from;
    const taken = this.#take();
    const news = this.#maySearch && this.coverage.hasNews(taken);
    if (news) await this.#search(mutants, taken);
    const possible = Math.min(BATCH_MAX, (mutants.length * BATCH_MS) / Math.max(1, tookMs));
    const wanted = news ? this.#batch / 2 : this.#batch * 1.5;
    this.#batch = Math.round(Math.max(BATCH_MIN, Math.min(possible, wanted)));
    this.ranMs += performance.now() - from;
  }

  #take(): ScriptCoverage[] {
    this.#untaken = false;
    return this.#options.tracer.take(this.target.files);
  }

  /** Runs inputs; what ran before is not counted with them. */
  async #run(inputs: readonly Uint8Array[]): Promise<Failure | null> {
    if (this.#untaken) this.#take();
    return this.#runOn(inputs);
  }

  #runOn(inputs: readonly Uint8Array[]): Promise<Failure | null> {
    this.#untaken = true;
    return this.#runner.run(inputs);
  }

  #mutants(): Uint8Array[] {
    const { prng } = this.#options;
    const { inputBytesMax } = this.target;
    if (this.#memory.length === 0) this.#memory = new Uint8Array(BATCH_BYTES_MAX);
    const mutants: Uint8Array[] = [];
    for (let at = 0; mutants.length < this.#batch && at + inputBytesMax <= this.#memory.length; ) {
      const length = this.#mutator.mutate(this.#pick(prng), this.#pick(prng), this.#memory, at);
      mutants.push(this.#memory.subarray(at, at + length));
      at += length;
    }
    return mutants;
  }

  /** Half of the time one of those found last. */
  #pick(prng: Prng): Uint8Array {
    const { length } = this.corpus;
    const from = prng.u32() % 2 === 0 ? Math.max(0, length - 32) : 0;
    return this.corpus[from + (prng.u32() % (length - from))] as Uint8Array;
  }

  async #tryAll(inputs: readonly Uint8Array[]): Promise<void> {
    let rest = inputs;
    while (rest.length > 0) {
      const failure = await this.#runOn(rest);
      if (failure === null) {
        this.tried += rest.length;
        return;
      }
      const culprit = rest.indexOf(failure.inputs.at(-1) as Uint8Array);
      await this.#failed(failure);
      this.tried += culprit + 1;
      rest = rest.slice(culprit + 1);
    }
  }

  // ---- news

  /** Whether there is time for a search. What is not searched for now stays news, and is likely to be reached again. */
  get #maySearch(): boolean {
    return this.#searchedMs <= this.ranMs * SEARCH_SHARE_MAX;
  }

  async #search(inputs: readonly Uint8Array[], taken: readonly ScriptCoverage[]): Promise<void> {
    const from = performance.now();
    await this.#findNews(inputs, taken);
    this.#searchedMs += performance.now() - from;
  }

  /** Finds the inputs that reach what is new in `taken`. */
  async #findNews(inputs: readonly Uint8Array[], taken: readonly ScriptCoverage[]): Promise<void> {
    const until = performance.now() + SEARCH_MS_MAX;
    for (let from = 0; from < inputs.length && this.coverage.hasNews(taken); ) {
      if (performance.now() > until) return;
      const index = await this.#firstNews(inputs, from);
      const life = inputs.slice(this.#lifeFrom(index, from), index + 1);
      if (await this.#reachesNews(life)) await this.#keep(life);
      from = index + 1;
    }
    this.coverage.add(taken);
  }

  /** Index of the first input, from `from` on, up to which there is news. */
  async #firstNews(inputs: readonly Uint8Array[], from: number): Promise<number> {
    let without = from;
    let within = inputs.length;
    while (within - without > 1) {
      const middle = (without + within) >> 1;
      if (await this.#reachesNews(inputs.slice(this.#lifeFrom(without, without), middle))) within = middle;
      else without = middle;
    }
    return within - 1;
  }

  /** Where the life of the input at `index` began; `stateless`: where it may as well have begun. */
  #lifeFrom(index: number, stateless: number): number {
    const { inputsPerLife } = this.target;
    return inputsPerLife >= BATCH_MAX ? stateless : index - (index % inputsPerLife);
  }

  async #reachesNews(inputs: readonly Uint8Array[]): Promise<boolean> {
    await this.#run(inputs);
    return this.coverage.hasNews(this.#take());
  }

  /** The last one of a life reached something new: alone and smaller, if it still does. */
  async #keep(life: readonly Uint8Array[]): Promise<void> {
    let input = (life.at(-1) as Uint8Array).slice();
    const alone = life.length === 1 || (await this.#reachesNews([input]));
    if (alone && input.length >= SHRINK_FROM_BYTES) {
      const [smaller] = await shrink([input], (inputs) => this.#reachesNews(inputs), SHRINK_TRIES);
      if (smaller !== undefined) input = smaller.slice();
    }
    await this.#run(alone ? [input] : life);
    this.coverage.add(this.#take());
    if (this.corpus.length >= CORPUS_MAX) this.corpus.shift();
    this.corpus.push(input);
    this.#options.kept?.(input);
  }

  // ---- findings

  async #failed({ error, inputs }: Failure): Promise<void> {
    const signature = signatureOf(error);
    if (this.#known.has(signature)) return;
    this.#known.add(signature);
    const shows = async (candidate: readonly Uint8Array[]): Promise<boolean> => {
      const failure = await this.#run(candidate);
      return failure !== null && signatureOf(failure.error) === signature;
    };
    const copies = inputs.map((input) => input.slice());
    const smallest = (await shows(copies)) ? await shrink(copies, shows, FINDING_TRIES) : copies;
    const { message, stack } = describeError(error);
    const { seed, found } = this.#options;
    found({ target: this.target.name, kind: 'exception', message, stack, seed, inputs: smallest });
  }

  /** Those inputs of the corpus, in order, that together reach all that it reaches. */
  async distil(): Promise<Uint8Array[]> {
    const reached = new Coverage();
    const needed: Uint8Array[] = [];
    for (const input of [...this.corpus].sort((a, b) => a.length - b.length)) {
      await this.#run([input]);
      if (reached.add(this.#take())) needed.push(input);
    }
    return needed;
  }
}
