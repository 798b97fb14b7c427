/**
 * Frames of version 1, kept for ever: whatever version this code has come to, it reads them as it did when they were
 * made, and while it speaks version 1 it still writes them so. A frame in golden/v1 is never changed, only added. (Nothing
 * of version 1 was released before the frames between nodes got the layout they have.)
 */
import { createHmac } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { Arena } from '../../src/base/arena.ts';
import { decodeCommand } from '../../src/cluster/book-codec.ts';
import { codes } from '../../src/errors.ts';
import { PartitionBackup } from '../../src/node/partition-backup.ts';
import { PartitionReplica } from '../../src/node/partition-replica.ts';
import { PartitionState } from '../../src/node/partition-state.ts';
import { PROTOCOL_VERSION_OLDEST } from '../../src/protocol/limits.ts';
import * as opcodes from '../../src/protocol/opcode.ts';
import { PEER_RECORDS } from '../../src/protocol/peer-codec.ts';
import { type DecodedFrame, decodeChunks, decodeOne } from '../helpers/decode.ts';
import { encoded } from '../helpers/encode.ts';
import { ScriptedNode } from '../helpers/scripted-node.ts';
import { bodyCodecs, writeFrame } from './golden/codecs.ts';
import { type BodyCodec, type Fields, hex } from './golden/layout.ts';

interface Golden {
  readonly file: string;
  readonly opcode: string;
  readonly messageId: number;
  readonly what: string;
  readonly fields: Fields;
  /** Fields have come behind it: it is read, and no longer written. */
  readonly isFormer?: boolean;
}

const folder = new URL('./golden/v1/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as Golden[];

function bytesOf(file: string): Uint8Array {
  return new Uint8Array(Buffer.from(readFileSync(new URL(file, folder), 'utf8').replaceAll(/\s/g, ''), 'hex'));
}

function frameOf(file: string): DecodedFrame {
  return decodeOne(bytesOf(file));
}

for (const { file, opcode, messageId, what, fields, isFormer = false } of manifest) {
  test(`${opcode}, ${what}: is read as ever`, (t) => {
    const frame = frameOf(file);
    t.is(frame.opcode, opcode);
    t.is(frame.messageId, messageId);
    t.deepEqual((bodyCodecs[opcode] as BodyCodec).read(frame.body), fields);
  });
  if (isFormer) continue;
  test(`${opcode}, ${what}: is written as ever`, (t) => {
    const written = encoded((writer) => writeFrame(writer, opcode, messageId, fields));
    t.is(hex(written), hex(bytesOf(file)));
  });
}

test('version 1 is still understood', (t) => {
  t.is(PROTOCOL_VERSION_OLDEST, 1);
});

test('there is a frame of every opcode', (t) => {
  const known = Object.entries(opcodes).flatMap(([name, opcode]) => (typeof opcode === 'number' ? [name] : []));
  t.deepEqual([...new Set(manifest.map(({ opcode }) => opcode))].sort(), known.sort());
});

test('every file is in the manifest', (t) => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.hex'));
  t.deepEqual(files.sort(), manifest.map(({ file }) => file).sort());
});

test('the proofs are those of the secret', (t) => {
  const proof = (side: string): string => {
    const hmac = createHmac('sha256', 'golden secret').update(side);
    return hmac.update(frameOf('helo.hex').body).update(frameOf('chal.hex').body).digest('hex');
  };
  const fields = (file: string): Fields => (manifest.find((golden) => golden.file === file) as Golden).fields;
  t.is(fields('prov.hex').proof, proof('caller'));
  for (const file of ['wlcm.hex', 'wlcm-member.hex']) t.is(fields(file).proof, proof('callee'));
});

const requests = 'GETK PUTK CASK DELK INCR LCKK ULKK CNCL ATCH KEEP CLOS SCAN XPRT HASH BTCH PING STAT CLUS TABL'.split(
  ' ',
);
/** What a node answers when it does not understand. */
const misunderstood = [codes.KV_BAD_FRAME, codes.KV_UNKNOWN_OPCODE, codes.KV_BAD_REQUEST].map(({ wire }) => wire);

for (const { file, opcode, what } of manifest.filter(
  (golden) => requests.includes(golden.opcode) && golden.file !== 'tabl-pushed.hex',
)) {
  test(`${opcode}, ${what}: a node understands it`, (t) => {
    const connection = new ScriptedNode({ partitions: 256 }).connect();
    t.is(decodeOne(connection.send(bytesOf('helo.hex'))).opcode, 'WLCM');
    if (file === 'putk-staged.hex') connection.send(stagedPieces());
    const replies = decodeChunks([connection.send(bytesOf(file))]);
    t.true(replies.length > 0, 'it is answered');
    for (const reply of replies) {
      const isRefused = reply.opcode === 'FAIL' && misunderstood.includes(Buffer.from(reply.body).readUInt16BE(0));
      t.false(isRefused, Buffer.from(reply.body).toString('latin1', 2));
    }
  });
}

/** The value that putk-staged.hex names: the first piece, then stge.hex in its place. */
function stagedPieces(): Uint8Array {
  const piece = (offset: number, bytes: number): Uint8Array =>
    encoded((writer) =>
      writeFrame(writer, 'STGE', 1, { stage: 9, total: 70_000, offset, bytes: hex(new Uint8Array(bytes)) }),
    );
  const golden = bytesOf('stge.hex');
  const goldenEnd = 65_536 + decodeOne(golden).body.length - 12;
  return new Uint8Array(Buffer.concat([piece(0, 65_536), golden, piece(goldenEnd, 70_000 - goldenEnd)]));
}

test('a backup takes the entries of APND', (t) => {
  const { body } = frameOf('apnd.hex');
  const kept = new PartitionReplica(3, (takeStage) => new PartitionState(new Arena(), takeStage));
  const backup = new PartitionBackup(kept, 1_750_000_007, 0);
  let at = PEER_RECORDS;
  for (let count = 0; count < 2; count += 1) {
    const end = at + 4 + Buffer.from(body).readUInt32BE(at);
    t.true(backup.record(body, at, end, 0));
    at = end;
  }
  t.is(backup.ackStatus, 0);
  t.deepEqual(kept.replica.last, { epoch: 1_750_000_001, operation: 2 });
  t.is(kept.applied, 1, 'the barrier is committed, the put is not');
});

test('the command of PROP is one of the book', (t) => {
  const command = { kind: 'down', slot: 2, incarnation: '0102030405060708', nowMs: 1_750_000_009_000 };
  t.deepEqual(decodeCommand(frameOf('prop.hex').body), command);
});
