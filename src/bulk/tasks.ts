/**
 * The tasks that a worker thread may take: each has one array of bytes as input and runs the same here as there. From
 * which size on a worker is worth it was measured, not guessed.
 */
import { rowsDigest, sha256 } from './digest.ts';
import { type ParsedRows, parseRows } from './ndjson-rows.ts';
import { encodeRows } from './row-text.ts';

export interface TaskOutputs {
  /** NDJSON to packed rows. */
  parseRows: ParsedRows;
  /** Packed rows to NDJSON. */
  encodeRows: Uint8Array<ArrayBuffer>;
  sha256: Uint8Array<ArrayBuffer>;
  rowsDigest: Uint8Array<ArrayBuffer>;
}

export type TaskKind = keyof TaskOutputs;

/**
 * Inputs of fewer bytes are worked on where they are. From `npm run crossover`, Node 24 on two x64 cores: the smallest size
 * at which a worker at least halves the time that the main thread is busy, which is what other requests wait for. Handing
 * over takes it 20 to 30 microseconds, whatever the size; parsing takes 95 for 16 KiB, encoding 70, SHA-256 52 for 64 KiB.
 * Memory is handed over rather than copied or shared: from 1 MiB on copying costs more, and sharing would need memory kept
 * for outputs. Batches of requests are not here: their frames must be handled one by one all the same, and hashing the
 * keys of the largest takes the main thread about as long as handing it over.
 */
export const WORKER_BYTES_MIN: Readonly<Record<TaskKind, number>> = {
  parseRows: 16 * 1024,
  encodeRows: 16 * 1024,
  sha256: 64 * 1024,
  rowsDigest: 64 * 1024,
};

const tasks: { readonly [K in TaskKind]: (input: Uint8Array) => TaskOutputs[K] } = {
  parseRows: (input) => parseRows(input),
  encodeRows,
  sha256,
  rowsDigest,
};

export function runTask<K extends TaskKind>(kind: K, input: Uint8Array): TaskOutputs[K] {
  return tasks[kind](input);
}

/** The memory of an output, which a worker hands over rather than copies. */
export function bufferOf(output: TaskOutputs[TaskKind]): ArrayBuffer {
  return output instanceof Uint8Array ? output.buffer : output.rows.buffer;
}
