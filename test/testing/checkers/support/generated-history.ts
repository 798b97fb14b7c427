/**
 * Histories of a store that is right: a real register for each key, asked by clients that take turns at random moments.
 * Each operation takes effect at one moment between its call and its answer; some answers are lost, and some requests
 * whose answer is lost take effect late, or never.
 */

import { Prng } from '../../../../src/base/prng.ts';
import type { Written } from './lines.ts';

export interface GeneratorOptions {
  readonly seed: number;
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of all operations, those whose answer is lost. Default 0. */
  readonly unknownShare?: number;
  /** Answers tell versions. Default false. */
  readonly versions?: boolean;
  /** get, put, cas, del by hundredths. Default 50, 30, 15, 5. */
  readonly mix?: readonly [get: number, put: number, cas: number, del: number];
}

/** Moments, in ns, that an operation spends on its way there, and on its way back, at most. */
const WAY_NS = 100_000;

/** How long a request whose answer is lost may lie about before it takes effect. */
const LATE_NS = 20 * WAY_NS;

interface Cell {
  value: string | null;
  version: number;
}

interface Pending {
  readonly written: { -readonly [K in keyof Written]: Written[K] };
  readonly client: number;
  readonly effectAt: number;
  readonly ret: number;
  readonly fate: 'answered' | 'lost' | 'never';
}

/** Yields operations in the order of their effects. */
export function* generateHistory(options: GeneratorOptions): Generator<Written, void, undefined> {
  const world = new World(options);
  for (let i = 0; i < options.operations; i++) yield world.next();
}

class World {
  readonly #options: GeneratorOptions;
  readonly #random: Prng;
  readonly #cells = new Map<string, Cell>();
  readonly #pending: (Pending | null)[];
  /** When each client sends its next request. */
  readonly #readyAt: number[];
  readonly #late: Pending[] = [];
  #values = 0;
  #version = 0;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    this.#pending = Array.from({ length: options.clients }, () => null);
    this.#readyAt = Array.from({ length: options.clients }, () => this.#random.below(WAY_NS));
  }

  next(): Written {
    for (let client = 0; client < this.#pending.length; client++) this.#pending[client] ??= this.#send(client);
    const pending = this.#pending.reduce((a, b) =>
      (b as Pending).effectAt < (a as Pending).effectAt ? b : a,
    ) as Pending;
    this.#pending[pending.client] = null;
    this.#readyAt[pending.client] = pending.ret + 1 + this.#random.below(WAY_NS);
    this.#applyLate(pending.effectAt);
    return this.#finish(pending);
  }

  #send(client: number): Pending {
    const call = this.#readyAt[client] as number;
    const effectAt = call + this.#random.below(WAY_NS);
    const ret = effectAt + this.#random.below(WAY_NS);
    const lost = this.#random.float() < (this.#options.unknownShare ?? 0);
    const fate = lost ? (this.#random.below(4) === 0 ? 'never' : 'lost') : 'answered';
    const written = { ...this.#ask(), p: `c${client}`, call };
    return { written, client, effectAt, ret, fate };
  }

  #ask(): Pick<Written, 'f' | 'k' | 'a'> {
    const k = `k${this.#random.below(this.#options.keys)}`;
    const [get, put, cas] = this.#options.mix ?? [50, 30, 15, 5];
    const draw = this.#random.below(100);
    if (draw < get) return { f: 'get', k };
    if (draw < get + put) return { f: 'put', k, a: { v: this.#freshValue() } };
    if (draw >= get + put + cas) return { f: 'del', k };
    // Mostly from the value of the moment, so that many succeed.
    const from = this.#random.below(10) === 0 ? `v${this.#random.below(this.#values + 1)}` : this.#cell(k).value;
    return { f: 'cas', k, a: { from, to: this.#freshValue() } };
  }

  #freshValue(): string {
    return `v${this.#values++}`;
  }

  #cell(key: string): Cell {
    const cell = this.#cells.get(key) ?? { value: null, version: 0 };
    this.#cells.set(key, cell);
    return cell;
  }

  #finish(pending: Pending): Written {
    const { written, ret, fate } = pending;
    if (fate === 'answered') return { ...written, ret, r: 'ok', o: this.#apply(written) };
    if (fate === 'lost' && this.#random.below(2) === 0) this.#apply(written);
    else if (fate === 'lost') this.#late.push({ ...pending, effectAt: pending.effectAt + this.#random.below(LATE_NS) });
    return this.#random.below(2) === 0 ? written : { ...written, ret, r: 'unknown' };
  }

  #applyLate(until: number): void {
    this.#late.sort((a, b) => b.effectAt - a.effectAt);
    for (let last = this.#late.at(-1); last !== undefined && last.effectAt <= until; last = this.#late.at(-1)) {
      this.#late.pop();
      this.#apply(last.written);
    }
  }

  #apply({ f, k, a }: Written): object {
    const cell = this.#cell(k as string);
    const asked = a as { v: string; from: string | null; to: string } | undefined;
    if (f === 'get') return this.#tell({ v: cell.value }, cell);
    if (f === 'put') return this.#write(cell, asked?.v as string);
    if (f === 'cas' && cell.value !== asked?.from) return this.#tell({ ok: false, v: cell.value }, cell);
    if (f === 'cas') return { ok: true, ...this.#write(cell, asked?.to as string) };
    const found = cell.value !== null;
    cell.value = null;
    return { found };
  }

  #write(cell: Cell, value: string): object {
    cell.value = value;
    cell.version = ++this.#version;
    return this.#tell({}, cell);
  }

  #tell(answer: object, cell: Cell): object {
    if (!this.#options.versions) return answer;
    return { ...answer, ver: cell.value === null ? 0 : cell.version };
  }
}
