/**
 * Everything that a partition holds, at one committed state, as NDJSON text in pages. Each page is checked against the
 * one number that comes with the last: a text that is torn or mixed up is noticed.
 */
import { createHash } from 'node:crypto';
import { bytesEqual, readBigU64, readU32, writeU16, writeU32 } from '../base/bytes.ts';
import { bytes, type Kinds, number, OptionTable } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/export-codec.ts';
import { XPRT } from '../protocol/opcode.ts';
import { type PageAnswer, Shape } from './answers.ts';
import { requestBody } from './body-request.ts';
import type { Dispatcher } from './dispatcher.ts';
import { ExportKeeper } from './export-keeper.ts';
import type { Key } from './key-buffer.ts';
import { mustFit, type RequestOptions, requestKinds } from './request-options.ts';
import { bytesOfPrefix } from './scan.ts';

export interface ExportOptions extends RequestOptions {
  /** Only keys that begin with these bytes. */
  readonly prefix?: Key;
  /** Most rows of one page; default: as many as fit. */
  readonly pageRows?: number;
}

const kinds: Kinds<ExportOptions> = { ...requestKinds, prefix: bytes, pageRows: number };
const exportTable: OptionTable<ExportOptions> = new OptionTable('export', kinds);
const exportPartitionTable: OptionTable<ExportOptions> = new OptionTable('exportPartition', kinds);

export interface ExportedPage {
  readonly partition: number;
  /** The state that is exported: everything committed up to here, the same for all pages of a partition. */
  readonly revision: bigint;
  /** Whole lines. */
  readonly text: Uint8Array;
  readonly rows: number;
  /** The partition is complete, and its text has been checked. */
  readonly last: boolean;
}

type DeadlineOf = (options: RequestOptions) => number;

const NO_LIMIT_MS = 0xffff_ffff;

/** @throws KeyvalError KV_NOT_FOUND when the node has forgotten the export: begin again */
export async function* exportPartition(
  dispatcher: Dispatcher,
  partition: number,
  options: ExportOptions,
  deadlineOf: DeadlineOf,
): AsyncGenerator<ExportedPage> {
  mustFit(exportPartitionTable, options);
  if (!Number.isInteger(partition) || partition < 0 || partition >= dispatcher.router.partitions) {
    throw new KeyvalError(
      'KV_USAGE',
      `there are partitions 0 to ${dispatcher.router.partitions - 1}, not ${partition}`,
    );
  }
  const check = createHash('sha256');
  let snapshot = 0;
  try {
    for (let last = false; !last; ) {
      if (options.signal?.aborted === true) {
        throw new KeyvalError('KV_ABORTED', 'the export was aborted', { cause: options.signal.reason });
      }
      const { head, text } = await requestPage(dispatcher, partition, snapshot, 0, options, deadlineOf(options));
      snapshot = readU32(head, codec.EXPORTED_SNAPSHOT);
      check.update(createHash('sha256').update(text).digest());
      last = ((head[codec.EXPORTED_FLAGS] as number) & codec.ExportedFlag.last) !== 0;
      if (last) {
        snapshot = 0;
        if (!bytesEqual(check.digest(), 0, head, codec.EXPORTED_CHECK, codec.CHECK_BYTES)) throw torn(partition);
      }
      const revision = readBigU64(head, codec.EXPORTED_EPOCH);
      const keeper = last ? null : keeperOf(dispatcher, partition, snapshot, deadlineOf);
      try {
        yield { partition, revision, text, rows: readU32(head, codec.EXPORTED_ROWS), last };
      } finally {
        keeper?.stop();
      }
    }
  } finally {
    // Whoever stops early lets the node forget it at once; if that fails it forgets by itself.
    if (snapshot !== 0) forget(dispatcher, partition, snapshot, deadlineOf(options));
  }
}

function keeperOf(dispatcher: Dispatcher, partition: number, snapshot: number, deadlineOf: DeadlineOf): ExportKeeper {
  const { keep } = codec.ExportFlag;
  return new ExportKeeper(dispatcher.ports.timers, () =>
    requestPage(dispatcher, partition, snapshot, keep, {}, deadlineOf({})),
  );
}

/** All partitions, one after the other. */
export async function* exportAll(
  dispatcher: Dispatcher,
  options: ExportOptions,
  deadlineOf: DeadlineOf,
): AsyncGenerator<ExportedPage> {
  mustFit(exportTable, options);
  for (let partition = 0; partition < dispatcher.router.partitions; partition += 1) {
    yield* exportPartition(dispatcher, partition, options, deadlineOf);
  }
}

function requestPage(
  dispatcher: Dispatcher,
  partition: number,
  snapshot: number,
  flags: number,
  { pageRows = 0, prefix = '' }: ExportOptions,
  deadlineMs: number,
): Promise<PageAnswer> {
  const prefixBytes = bytesOfPrefix(prefix);
  const body = new Uint8Array(codec.EXPORT_PREFIX + prefixBytes.length);
  writeU32(body, 0, NO_LIMIT_MS);
  body[codec.EXPORT_FLAGS] = flags;
  writeU16(body, codec.EXPORT_PARTITION, partition);
  writeU32(body, codec.EXPORT_SNAPSHOT, snapshot);
  writeU32(body, codec.EXPORT_ROWS_MAX, pageRows);
  writeU16(body, codec.EXPORT_PREFIX_LENGTH, prefixBytes.length);
  body.set(prefixBytes, codec.EXPORT_PREFIX);
  return requestBody(dispatcher, { opcode: XPRT, body, partition, deadlineMs, shape: Shape.page });
}

function forget(dispatcher: Dispatcher, partition: number, snapshot: number, deadlineMs: number): void {
  requestPage(dispatcher, partition, snapshot, codec.ExportFlag.close, {}, deadlineMs).catch(() => undefined);
}

function torn(partition: number): KeyvalError {
  return new KeyvalError('KV_INTERNAL', `partition ${partition}: the text exported is not what the node sent`);
}
