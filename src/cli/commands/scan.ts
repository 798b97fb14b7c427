/** `keyval scan`: all keys, or those with a prefix, in no order, as they come. */
import type { ScannedEntry } from '../../client/scan.ts';
import { ExitCode } from '../../errors.ts';
import { SCAN_PAGE_ENTRIES_MAX } from '../../protocol/limits.ts';
import type { Command } from '../shared/command.ts';
import { flag, valued } from '../shared/command-line.ts';
import { type BytesClient, withClient } from '../shared/connection.ts';
import { bytesField, type Document, type Format, formatOf, oneLine } from '../shared/output.ts';
import { print } from '../shared/streams.ts';

type Scanned = ScannedEntry<Uint8Array>;

/** Entries of a page when nobody asks for fewer. */
const PAGE_SIZE = 1000;
/** Lines are collected to about this many characters before they are written. */
const CHUNK_LENGTH = 64 * 1024;

export const scan: Command = {
  name: 'scan',
  operands: [],
  summary: 'list keys and values, in no order',
  details:
    'A line is KEY, a tab, VALUE; with --keys-only KEY alone. Line ends, tabs and bytes that are no text are written as \\n, \\t, \\x1b, a backslash as \\\\.',
  options: {
    prefix: valued('only keys that begin with this'),
    'keys-only': flag('without values'),
    limit: valued('at most this many'),
  },
  examples: [
    ['keyval scan --prefix seat-', 'keys that begin alike, with their values'],
    ['keyval scan --keys-only | wc -l', 'count keys'],
    ['keyval scan --output ndjson', 'one JSON document a line'],
  ],
  async run({ values }) {
    const format = formatOf(values);
    const prefix = values.text('prefix') ?? '';
    const limit = values.whole('limit', 1) ?? Number.POSITIVE_INFINITY;
    const keysOnly = values.flag('keys-only');
    await withClient(values, (client) => list(client, { format, prefix, keysOnly, limit }));
    return ExitCode.ok;
  },
};

interface Listing {
  readonly format: Format;
  readonly prefix: string;
  readonly keysOnly: boolean;
  readonly limit: number;
}

async function list(client: BytesClient, { format, prefix, keysOnly, limit }: Listing): Promise<void> {
  const pageSize = Math.min(limit, PAGE_SIZE, SCAN_PAGE_ENTRIES_MAX);
  let text = format === 'json' ? '[' : '';
  let count = 0;
  for await (const entry of client.scan({ prefix, values: !keysOnly, pageSize })) {
    text += itemText(format, entry, count === 0);
    count += 1;
    if (count === limit) break;
    if (text.length < CHUNK_LENGTH) continue;
    await print(text);
    text = '';
  }
  await print(text + (format === 'json' ? `${count === 0 ? '' : '\n'}]\n` : ''));
}

function itemText(format: Format, entry: Scanned, isFirst: boolean): string {
  if (format === 'json') return `${isFirst ? '' : ','}\n  ${JSON.stringify(documentOf(entry))}`;
  if (format === 'ndjson') return `${JSON.stringify(documentOf(entry))}\n`;
  return `${oneLine(entry.keyBytes)}${entry.value === null ? '' : `\t${oneLine(entry.value)}`}\n`;
}

function documentOf({ keyBytes, value, revision, ttlMs }: Scanned): Document {
  const valueField = value === null ? {} : bytesField('value', value);
  return { ...bytesField('key', keyBytes), ...valueField, revision: `${revision}`, ttlMs };
}
