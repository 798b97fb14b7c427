/**
 * What a fuzzing thread tells the one that watches it while it cannot answer: how many inputs it has begun, on which
 * target, and the inputs of the present life.
 *
 *     begun i32 | target i32 | bytes i32 || length u32 | input | length u32 | input | …
 */
import type { Watch } from './runner.ts';

const WORDS = 3;
const HEAD_BYTES: number = WORDS * 4;
const BEGUN = 0;
const TARGET = 1;
const BYTES = 2;
const INPUTS_BYTES: number = 2 * 1024 * 1024;

export class SharedMemory implements Watch {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #used = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + INPUTS_BYTES)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, WORDS);
    this.#bytes = new Uint8Array(buffer, HEAD_BYTES);
    this.#view = new DataView(buffer, HEAD_BYTES);
  }

  // ---- the thread that fuzzes

  target(index: number): void {
    Atomics.store(this.#words, TARGET, index);
    this.life();
  }

  life(): void {
    this.#used = 0;
    Atomics.store(this.#words, BYTES, 0);
  }

  /** A life longer than there is room for is told from where there was room again. */
  input(input: Uint8Array): void {
    if (this.#used + 4 + input.length > INPUTS_BYTES) this.#used = 0;
    this.#view.setUint32(this.#used, input.length);
    this.#bytes.set(input, this.#used + 4);
    this.#used += 4 + input.length;
    Atomics.store(this.#words, BYTES, this.#used);
    Atomics.add(this.#words, BEGUN, 1);
  }

  // ---- the thread that watches

  get begun(): number {
    return Atomics.load(this.#words, BEGUN);
  }

  get targetIndex(): number {
    return Atomics.load(this.#words, TARGET);
  }

  /** The last `inputsMax` inputs of the life. */
  inputs(inputsMax: number): Uint8Array[] {
    const inputs: Uint8Array[] = [];
    const end = Atomics.load(this.#words, BYTES);
    for (let at = 0; at < end; ) {
      const length = this.#view.getUint32(at);
      inputs.push(this.#bytes.slice(at + 4, at + 4 + length));
      at += 4 + length;
    }
    return inputs.slice(-inputsMax);
  }
}
