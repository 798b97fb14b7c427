/**
 * `--concurrency 1`: chunks one after the other, and of the rows of a key each waits for the one before. They are put by
 * this client itself, for a node writes the rows of a LOAD in no order. So the last line of a key wins, whatever is tried
 * again: an attempt that nobody knows the outcome of is not overtaken either, for puts of a session have their order.
 */
import { parseRows } from '../../bulk/ndjson-rows.ts';
import { RowReader } from '../../bulk/rows.ts';
import { type Code, KeyvalError } from '../../errors.ts';
import type { LoadFailure } from '../../protocol/load-codec.ts';
import type { BytesClient } from '../shared/connection.ts';
import { Attempts, type LoaderOptions } from './attempts.ts';
import type { ChunkOutcome } from './chunk-loader.ts';
import type { LineChunk } from './line-chunks.ts';

/** Rows of different keys that are under way at a time. */
const ROWS_MAX = 128;
/** What is wrong with a line, and with no other. */
const OF_THE_LINE: readonly Code[] = ['KV_BAD_KEY', 'KV_TOO_LARGE', 'KV_BAD_REQUEST', 'KV_USAGE'];

type Putting = Pick<BytesClient, 'put'>;

export class OrderedLoader {
  readonly #client: Putting;
  readonly #options: LoaderOptions;

  constructor(client: Putting, options: LoaderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws KeyvalError when what may pass does not pass, or the signal fires */
  load(chunk: LineChunk): Promise<ChunkOutcome> {
    return new OrderedChunk(this.#client, new Attempts(this.#options)).load(chunk);
  }
}

class OrderedChunk {
  readonly #client: Putting;
  readonly #attempts: Attempts;
  /** By key, as latin1. */
  readonly #underWay: Map<string, Promise<void>> = new Map();
  readonly #wrong: LoadFailure[] = [];
  #stored = 0;
  #error: unknown = null;
  #ended: () => void = () => undefined;

  constructor(client: Putting, attempts: Attempts) {
    this.#client = client;
    this.#attempts = attempts;
  }

  async load({ text, firstLine }: LineChunk): Promise<ChunkOutcome> {
    const { rows, errors } = parseRows(text, firstLine, Number.POSITIVE_INFINITY);
    const row = new RowReader(rows);
    while (this.#error === null && row.next()) {
      const key = row.bytes.slice(row.keyStart, row.keyEnd);
      const name = Buffer.from(key).toString('latin1');
      await this.#underWay.get(name);
      if (this.#underWay.size >= ROWS_MAX) await this.#anyEnd();
      if (this.#error === null) this.#underWay.set(name, this.#put(name, key, row));
    }
    await Promise.all(this.#underWay.values());
    if (this.#error !== null) throw this.#error;
    return { rows: this.#stored, failures: [...errors, ...this.#wrong].sort((a, b) => a.line - b.line) };
  }

  #anyEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  async #put(name: string, key: Uint8Array, { bytes, valueStart, valueEnd, ttlMs, line }: RowReader): Promise<void> {
    const value = bytes.subarray(valueStart, valueEnd);
    const ttl = ttlMs === 0 ? {} : { ttlMs };
    try {
      await this.#attempts.run(`line ${line}`, (options) => this.#client.put(key, value, { ...ttl, ...options }));
      this.#stored += 1;
      this.#attempts.renew();
    } catch (error) {
      if (error instanceof KeyvalError && OF_THE_LINE.includes(error.code)) {
        this.#wrong.push({ line, code: error.code, message: error.message });
      } else this.#error ??= error;
    }
    this.#underWay.delete(name);
    this.#ended();
  }
}
