/**
 * Requests of a client that is logged in, at a node of its own: any bytes. Nothing is thrown, every request is answered
 * once (a queued wait: told that it waits, and once more when it ends) or the connection is closed, and every answer has
 * its layout. The node lives through a number of such clients, and time passes.
 */
import { BATCH_FRAMES_MAX, CLIENT_FRAME_LENGTH_MAX } from '../../../src/protocol/limits.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold, type Target } from '../target.ts';
import type { RecordingChannel } from '../world/channel.ts';
import { frame, number, type PlainFrame, readStream } from '../world/frames.ts';
import { FuzzedNode, PARTITIONS } from '../world/fuzzed-node.ts';
import { readReplies } from './reply-layout.ts';
import { attachBody, requestSeeds, requestWords } from './request-seeds.ts';

/** Answers that take work aside are waited for, so many events long. */
const EVENTS_MAX = 60;
const LIFE = 40;

export const helloOfClient: Uint8Array = frame(
  op.HELO,
  0,
  number(2, 1),
  number(2, 1),
  0,
  0,
  new Uint8Array(16),
  6,
  'keyval',
  4,
  'fuzz',
);

export function requestsTarget(seeds: readonly Uint8Array[]): Target {
  let node = new FuzzedNode();
  let turn = 0;
  const reset = (): void => {
    node = new FuzzedNode();
    turn = 0;
    const first = login(node);
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      first.receive(frame(op.ATCH, 1 + partition, attachBody(partition)));
    node.endTurn();
  };
  return {
    name: 'requests',
    files: ['src/node/', 'src/protocol/', 'src/store/', 'src/lock/', 'src/replication/', 'src/base/'],
    framesFrom: 0,
    inputBytesMax: 4096,
    inputsPerLife: LIFE,
    seeds: [...requestSeeds(), ...seeds],
    words: requestWords,
    reset,
    run: (input) => {
      const client = login(node);
      client.receive(input);
      node.endTurn();
      // Fragments and closings go by way of promises.
      turn += 1;
      return settle(node, client, input, turn);
    },
  };
}

function login(node: FuzzedNode): RecordingChannel {
  const client = node.connect();
  client.receive(helloOfClient);
  node.endTurn();
  client.take();
  return client;
}

async function settle(node: FuzzedNode, client: RecordingChannel, input: Uint8Array, turn: number): Promise<void> {
  const asked = readStream(input, CLIENT_FRAME_LENGTH_MAX);
  const answers: PlainFrame[] = [];
  for (let event = 0; event < EVENTS_MAX; event += 1) {
    for (let round = 0; round < 3; round += 1) await null;
    node.advance(0);
    answers.push(...readReplies(client.take()));
    if (event > 0 && (client.ending || complaint(asked.frames, answers, client.ending) === null)) break;
  }
  const wrong = complaint(asked.frames, answers, client.ending);
  mustHold(wrong === null || (client.ending && wrong === UNANSWERED), wrong ?? '');
  mustHold(asked.badLength === -1 || client.ending, 'after a bad length the connection is closed');
  if (turn % 2 === 0) client.close();
  if (turn % 4 === 0) node.advance(turn % 32 === 0 ? 12_000 : 100);
}

/** By message id: how many answers there must be at least, and may be at most. */
interface Due {
  least: number;
  most: number;
  got: number;
}

const UNANSWERED = 'every request is answered';

function complaint(asked: readonly PlainFrame[], answers: readonly PlainFrame[], closed: boolean): string | null {
  const due: Map<number, Due> = new Map();
  for (const one of asked) expect(due, one);
  for (const { opcode, messageId } of answers) {
    if (opcode >>> 0 === op.FRAG) continue;
    // Under this number the node says why it closes the connection.
    if (messageId === 0 && opcode >>> 0 === op.FAIL && closed) continue;
    const found = due.get(messageId);
    if (found === undefined) return 'an answer belongs to a request';
    found.got += 1;
    // Told that it waits: one more may follow, when the wait ends.
    if (opcode >>> 0 === op.WAIT) found.most += 1;
  }
  let unanswered = false;
  for (const { least, most, got } of due.values()) {
    if (got > most) return 'no request is answered twice';
    if (got < least) unanswered = true;
  }
  return unanswered ? UNANSWERED : null;
}

function expect(due: Map<number, Due>, { opcode, messageId, body }: PlainFrame): void {
  let found = due.get(messageId);
  if (found === undefined) {
    found = { least: 0, most: 0, got: 0 };
    due.set(messageId, found);
  }
  switch (opcode >>> 0) {
    case op.DROP:
      return;
    case op.STGE: // only the last piece is answered
      found.most += 1;
      return;
    case op.HASH: // of a partition at an operation that is yet to come: when it has come
      found.most += 1;
      return;
    case op.BTCH: {
      const inner = framesInside(body);
      if (inner !== null) {
        for (const one of inner) expect(due, one);
        return;
      }
      found.least += 1;
      found.most += 1;
      return;
    }
    default:
      found.least += 1;
      found.most += 1;
  }
}

/** The frames of a batch; null when it is malformed, and none of them is handled. */
function framesInside(body: Uint8Array): PlainFrame[] | null {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const inner: PlainFrame[] = [];
  for (let at = 0; at < body.length; ) {
    const length = body.length - at < 12 ? 0 : view.getUint32(at);
    const end = at + 4 + length;
    if (length < 8 || end > body.length || view.getUint32(at + 4) === op.BTCH) return null;
    if (inner.length >= BATCH_FRAMES_MAX) return null;
    inner.push({
      opcode: view.getUint32(at + 4),
      messageId: view.getUint32(at + 8),
      body: body.subarray(at + 12, end),
    });
    at = end;
  }
  return inner;
}
