/** PROTOCOL.md says what the code does: its tables are compared with the code, its examples are played to a node. */
import test from 'ava';
import { codes } from '../../src/errors.ts';
import { Part } from '../../src/node/snapshot/layout.ts';
import * as client from '../../src/protocol/client-codec.ts';
import * as exporting from '../../src/protocol/export-codec.ts';
import * as limits from '../../src/protocol/limits.ts';
import * as loading from '../../src/protocol/load-codec.ts';
import * as opcodes from '../../src/protocol/opcode.ts';
import * as peer from '../../src/protocol/peer-codec.ts';
import { EntryKind } from '../../src/replication/entry-kind.ts';
import { decodeOne } from '../helpers/decode.ts';
import { example, headings, numberIn, type Table, tables, tableUnder, unquoted } from '../helpers/protocol-document.ts';
import { ScriptedNode } from '../helpers/scripted-node.ts';

test('the table of errors is that of the code', (t) => {
  const documented = tableUnder('FAIL', 1).rows.map(([code = '', number = '', retryable, outcome, meaning]) => ({
    code: unquoted(code),
    wire: numberIn(number),
    retryable: retryable === 'yes',
    outcome: outcome === 'unknown' ? 'unknown' : 'not-done',
    meaning,
  }));
  const known = Object.entries(codes).map(([code, { wire, retryable, outcome, meaning }]) => {
    return { code, wire, retryable, outcome, meaning };
  });
  t.deepEqual(documented, known);
});

test('every limit of the wire is documented with its value', (t) => {
  const documented = Object.fromEntries(
    tableUnder('Limits').rows.map(([, limit = '', name = '']) => [unquoted(name), numberIn(limit)]),
  );
  const elsewhere = ['PROTOCOL_VERSION', 'PROTOCOL_VERSION_OLDEST', 'FRAME_HEADER_BYTES', 'FRAME_LENGTH_MIN'];
  const known = Object.entries(limits).filter(([name]) => !elsewhere.includes(name));
  t.deepEqual(documented, Object.fromEntries(known));
});

const known = Object.entries(opcodes).flatMap(([name, opcode]) => (typeof opcode === 'number' ? [name] : []));

test('every opcode is documented, and no other', (t) => {
  const ofHeadings = headings.filter((heading) => /^[A-Z]{4}$/.test(heading));
  const ofTables = ['Requests', 'Asking the node', 'Writes'].flatMap((heading) => opcodesIn(tables, heading));
  t.deepEqual([...new Set([...ofHeadings, ...ofTables])].sort(), known.sort());
});

function opcodesIn(from: readonly Table[], heading: string): string[] {
  const cells = from.filter((table) => table.heading === heading).flatMap((table) => table.rows.flat());
  return cells.flatMap((cell) => [...cell.matchAll(/`([A-Z]{4})`/g)].map((match) => match[1] as string));
}

const sizes: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u48: 6, u64: 8, i64: 8 };

/** Bytes of a field of fixed size; null for others. */
function sizeOf(type: string): number | null {
  const counted = /^(\d+) (?:bytes|letters)$/.exec(type);
  return counted === null ? (sizes[type] ?? null) : Number(counted[1]);
}

for (const { heading, rows } of tables.filter((table) => table.columns[0] === 'offset')) {
  test(`the offsets under '${heading}' add up (${rows[0]?.[1]} …)`, (t) => {
    let at: number | null = rows[0]?.[0] === '·' ? null : 0;
    for (const [offset = '', field = '', type = ''] of rows) {
      t.is(offset, at === null ? '·' : String(at), field);
      const size = sizeOf(type);
      at = at === null || size === null ? null : at + size;
    }
  });
}

/** Where the code reads a field that the document describes. */
const places: readonly [heading: string, field: string, at: number][] = [
  ['GETK', 'flags', client.READ_FLAGS],
  ['GETK', 'key', client.READ_KEY],
  ['Writes', 'attachment', client.WRITE_ATTACH_EPOCH],
  ['Writes', 'sequence', client.WRITE_SEQUENCE],
  ['Writes', 'mark', client.WRITE_MARK],
  ['Writes', 'flags', client.WRITE_FLAGS],
  ['Writes', 'span', client.WRITE_SPAN],
  ['Writes', 'revision', client.WRITE_EPOCH],
  ['Writes', 'key length', client.WRITE_KEY_LENGTH],
  ['Writes', 'key', client.WRITE_KEY],
  ['ATCH', 'partition', client.ATTACH_PARTITION],
  ['ATCH', 'session', client.ATTACH_SESSION],
  ['ATCH', 'lease', client.ATTACH_LEASE],
  ['ATCH', 'name', client.ATTACH_NAME_LENGTH],
  ['KEEP', 'count', client.KEEP_COUNT],
  ['KEEP', 'partitions', client.KEEP_PARTITIONS],
  ['SCAN', 'partition', client.SCAN_PARTITION],
  ['SCAN', 'cursor', client.SCAN_CURSOR],
  ['SCAN', 'entries max', client.SCAN_ENTRIES_MAX],
  ['SCAN', 'prefix', client.SCAN_PREFIX],
  ['STGE', 'total', client.STAGE_TOTAL],
  ['STGE', 'bytes', client.STAGE_BYTES],
  ['GOTK', 'revision', client.GOT_EPOCH],
  ['GOTK', 'time to live', client.GOT_TTL],
  ['GOTK', 'value', client.GOT_VALUE],
  ['DONE', 'revision', client.DONE_EPOCH],
  ['DONE', 'payload', client.DONE_PAYLOAD],
  ['LOST', 'token', client.LOST_TOKEN],
  ['LOST', 'cause', client.LOST_CAUSE],
  ['MOVD', 'member', client.MOVED_MEMBER],
  ['MOVD', 'flags', client.MOVED_FLAGS],
  ['FAIL', 'text', client.FAIL_TEXT],
  ['FRAG', 'bytes', client.FRAG_BYTES],
  ['SCND', 'cursor', client.SCANNED_CURSOR],
  ['SCND', 'count', client.SCANNED_COUNT],
  ['SCND', 'entries', client.SCANNED_ENTRIES],
  ['XPRT', 'flags', exporting.EXPORT_FLAGS],
  ['XPRT', 'partition', exporting.EXPORT_PARTITION],
  ['XPRT', 'snapshot', exporting.EXPORT_SNAPSHOT],
  ['XPRT', 'rows max', exporting.EXPORT_ROWS_MAX],
  ['XPRT', 'prefix length', exporting.EXPORT_PREFIX_LENGTH],
  ['XPRT', 'prefix', exporting.EXPORT_PREFIX],
  ['XPRD', 'revision', exporting.EXPORTED_EPOCH],
  ['XPRD', 'partition', exporting.EXPORTED_PARTITION],
  ['XPRD', 'snapshot', exporting.EXPORTED_SNAPSHOT],
  ['XPRD', 'length', exporting.EXPORTED_LENGTH],
  ['XPRD', 'rows', exporting.EXPORTED_ROWS],
  ['XPRD', 'check', exporting.EXPORTED_CHECK],
  ['XPRD', 'text', exporting.EXPORTED_TEXT],
  ['HASH', 'kind', exporting.HASH_KIND],
  ['HASH', 'partition', exporting.HASH_PARTITION],
  ['HASH', 'revision', exporting.HASH_EPOCH],
  ['HASH', 'key length', exporting.HASH_KEY_LENGTH],
  ['HASH', 'key', exporting.HASH_KEY],
  ['HSHD', 'revision', exporting.HASHED_EPOCH],
  ['HSHD', 'count', exporting.HASHED_COUNT],
  ['HSHD', 'digest', exporting.HASHED_DIGEST],
  ['LOAD', 'flags', loading.LOAD_FLAGS],
  ['LOAD', 'lines', loading.LOAD_LINES],
  ['LODD', 'failed', loading.LOADED_FAILED],
  ['LODD', 'count', loading.LOADED_COUNT],
  ['LODD', 'failures', loading.LOADED_FAILURES],
  ['ACKN', 'status', peer.ACK_STATUS],
  ['ACKN', 'configuration', peer.ACK_CONFIGURATION],
  ['ACKN', 'epoch', peer.ACK_EPOCH],
  ['ACKN', 'operation', peer.ACK_OPERATION],
  ['BEAT', 'flags', peer.BEAT_FLAGS],
  ['BEAT', 'version', peer.BEAT_VERSION],
  ['BEAT', 'sent', peer.BEAT_SENT],
  ['BEAT', 'echo', peer.BEAT_ECHO],
  ['STLL', 'node', peer.STALL_NODE],
  ['STLL', 'stalled', peer.STALL_MS],
  ['CONF', 'epoch', peer.NAMED_EPOCH],
  ['CNFD', 'epoch', peer.NAMED_EPOCH],
  ['LRLS', 'epoch', peer.NAMED_EPOCH],
  ['REPT', 'count', peer.NAMED_REST],
  ['WISH', 'slot', peer.NAMED_REST],
  ['SNAP', 'configuration', peer.SNAP_CONFIGURATION],
  ['SNAP', 'number', peer.SNAP_NUMBER],
  ['SNAP', 'slice', peer.SNAP_SLICE],
  ['SNPD', 'status', peer.SNAPPED_STATUS],
];

test('the code reads the fields where the document has them', (t) => {
  for (const [heading, field, at] of places) {
    const row = tableUnder(heading).rows.find(([, name]) => name === field);
    t.is(row?.[0], String(at), `${heading} ${field}`);
  }
  const record = tableUnder('APND', 1).rows.map(([offset, field]) => [field, Number(offset)]);
  t.deepEqual(record, [
    ['length', peer.RECORD_LENGTH],
    ['partition', peer.RECORD_PARTITION],
    ['configuration', peer.RECORD_CONFIGURATION],
    ['epoch', peer.RECORD_EPOCH],
    ['operation', peer.RECORD_OPERATION],
    ['commit', peer.RECORD_COMMIT],
    ['kind', peer.RECORD_KIND],
    ['time', peer.RECORD_TIME],
    ['body', peer.RECORD_BODY],
  ]);
});

test('the kinds of entries are those of the code', (t) => {
  const documented = tableUnder('APND', 2).rows.map(([kind]) => Number(kind));
  t.deepEqual(documented, Object.values(EntryKind));
});

test('the parts of a snapshot are those of the code', (t) => {
  const documented = tableUnder('SNAP', 1).rows.map(([tag]) => Number(tag));
  t.deepEqual(documented, Object.values(Part));
});

/** Plays the frames of the client to a node; its answers are the document's, byte for byte. */
const play = test.macro<[language: string, secret: string | null]>((t, language, secret) => {
  const node = new ScriptedNode({ secret: secret === null ? null : Buffer.from(secret) });
  const connection = node.connect();
  let answer: Buffer = Buffer.alloc(0);
  for (const { from, bytes, lines } of example(language)) {
    t.notThrows(() => decodeOne(bytes), lines);
    if (from === 'client') {
      t.is(answer.length, 0, 'everything the node said is in the document');
      answer = connection.send(bytes);
      continue;
    }
    t.is(answer.subarray(0, bytes.length).toString('hex'), bytes.toString('hex'), lines);
    answer = answer.subarray(bytes.length);
  }
  t.is(answer.length, 0);
});

test('the example is what a node answers', play, 'session', null);
test('the example with a secret is what a node answers', play, 'login', 'secret');
