/** Walks all partitions, page by page. Keys come in no order; a page is one partition's committed state. */
import { readBigU64, readU16, readU32, readU48, writeU16, writeU32 } from '../base/bytes.ts';
import { bytes, flag, number, OptionTable } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { SCAN_PAGE_ENTRIES_MAX } from '../protocol/limits.ts';
import { SCAN } from '../protocol/opcode.ts';
import { Shape } from './answers.ts';
import type { Client } from './client.ts';
import { type Codec, TextReader } from './codecs.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Key } from './key-buffer.ts';
import { Operation } from './operation.ts';
import { mustFit, type ReadOptions, type RequestOptions, readKinds } from './request-options.ts';

export interface ScanOptions extends ReadOptions {
  /** Only keys that begin with these bytes. */
  readonly prefix?: Key;
  /** Values too, not only keys; default true. */
  readonly values?: boolean;
  /** Most entries of one page, 1 to 10,000; default 1000. */
  readonly pageSize?: number;
}

const scanTable: OptionTable<ScanOptions> = new OptionTable('scan', {
  ...readKinds,
  prefix: bytes,
  values: flag,
  pageSize: number,
});

export interface ScannedEntry<V> {
  /** The key as UTF-8 text. */
  readonly key: string;
  readonly keyBytes: Uint8Array;
  /** Null when values were not asked for. */
  readonly value: V | null;
  readonly revision: bigint;
  readonly ttlMs: number | null;
}

interface Page<V> {
  readonly entries: readonly (ScannedEntry<V> & { readonly large: boolean })[];
  readonly cursor: number;
}

const DEFAULT_PAGE_SIZE = 1000;
/** keyLength u16 | valueLength u32 | revision u64 | ttlMs u48 */
const ENTRY_HEAD_BYTES = 20;
const encoder = new TextEncoder();

export async function* scan<V>(
  client: Client<V>,
  dispatcher: Dispatcher,
  decode: Codec<V>,
  options: ScanOptions,
  readFlags: number,
  deadlineOf: (options: RequestOptions) => number,
): AsyncGenerator<ScannedEntry<V>> {
  mustFit(scanTable, options);
  const { prefix = '', values = true, pageSize = DEFAULT_PAGE_SIZE, ...read } = options;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > SCAN_PAGE_ENTRIES_MAX) {
    throw new KeyvalError('KV_USAGE', `pageSize is 1 to ${SCAN_PAGE_ENTRIES_MAX}, not ${pageSize}`);
  }
  const prefixBytes = bytesOfPrefix(prefix);
  const flags = readFlags | (values ? codec.ScanFlag.values : 0);
  for (let partition = 0; partition < dispatcher.router.partitions; partition += 1) {
    let cursor = 0;
    do {
      if (read.signal?.aborted)
        throw new KeyvalError('KV_ABORTED', 'the scan was aborted', { cause: read.signal.reason });
      const body = scanBody(partition, cursor, pageSize, flags, prefixBytes);
      const page = readPage(await request(dispatcher, partition, body, deadlineOf(options)), decode, values);
      for (const entry of page.entries) {
        if (!entry.large) yield entry;
        else yield* fetchLarge(client, entry, read);
      }
      cursor = page.cursor;
    } while (cursor !== 0);
  }
}

/** A value too large for a page is read by itself; gone meanwhile, it is left out. */
async function* fetchLarge<V>(
  client: Client<V>,
  entry: ScannedEntry<V>,
  options: ReadOptions,
): AsyncGenerator<ScannedEntry<V>> {
  const found = await client.getEntry(entry.keyBytes, options);
  if (found !== null) yield { ...entry, ...found };
}

/** @throws KeyvalError KV_USAGE */
export function bytesOfPrefix(prefix: Key): Uint8Array {
  if (typeof prefix === 'string') return encoder.encode(prefix);
  if (prefix instanceof Uint8Array) return prefix;
  throw new KeyvalError('KV_USAGE', `a prefix is a string or bytes, not ${typeof prefix}`);
}

function request(dispatcher: Dispatcher, partition: number, body: Uint8Array, deadline: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const operation = new Operation(SCAN, '', null, deadline, resolve as (answer: unknown) => void, reject);
    operation.partition = partition;
    operation.shape = Shape.raw;
    operation.body = body;
    dispatcher.submit(operation);
  });
}

function scanBody(partition: number, cursor: number, pageSize: number, flags: number, prefix: Uint8Array): Uint8Array {
  const body = new Uint8Array(codec.SCAN_PREFIX + prefix.length);
  writeU32(body, 0, 0xffff_ffff);
  body[codec.SCAN_FLAGS] = flags;
  writeU16(body, codec.SCAN_PARTITION, partition);
  writeU32(body, codec.SCAN_CURSOR, cursor);
  writeU32(body, codec.SCAN_ENTRIES_MAX, pageSize);
  writeU16(body, codec.SCAN_PREFIX_LENGTH, prefix.length);
  body.set(prefix, codec.SCAN_PREFIX);
  return body;
}

function cutShort(): KeyvalError {
  return new KeyvalError('KV_BAD_FRAME', 'SCND: the body is cut short');
}

function readPage<V>(body: Uint8Array, decode: Codec<V>, values: boolean): Page<V> {
  const text = new TextReader();
  const count = readU32(body, codec.SCANNED_COUNT);
  const entries: (ScannedEntry<V> & { large: boolean })[] = [];
  let at = codec.SCANNED_ENTRIES;
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_HEAD_BYTES > body.length) throw cutShort();
    const keyLength = readU16(body, at);
    const valueLength = readU32(body, at + 2);
    const revision = readBigU64(body, at + 6);
    const ttl = readU48(body, at + 14);
    const keyStart = at + ENTRY_HEAD_BYTES;
    const keyEnd = keyStart + keyLength;
    const included = valueLength !== codec.VALUE_NOT_INCLUDED;
    at = keyEnd + (included ? valueLength : 0);
    if (at > body.length) throw cutShort();
    entries.push({
      key: text.read(body, keyStart, keyEnd),
      keyBytes: body.slice(keyStart, keyEnd),
      value: included ? decode.decode(body, keyEnd, at) : null,
      revision,
      ttlMs: ttl === 0 ? null : ttl,
      large: values && !included,
    });
  }
  return { entries, cursor: readU32(body, codec.SCANNED_CURSOR) };
}
