/** Which replies a request can get, and how long they are at least. A node that sends any other cannot be followed. */
import * as codec from '../protocol/client-codec.ts';
import { EXPORTED_TEXT, HASHED_DIGEST } from '../protocol/export-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import { LOADED_FAILURES } from '../protocol/load-codec.ts';
import * as op from '../protocol/opcode.ts';
import { Shape } from './answers.ts';
import type { Operation } from './operation.ts';

const SUM_BYTES = 8;
const TOKEN_BYTES = 8;
/** Its flags may be left out. */
const MOVED_BYTES = codec.MOVED_FLAGS;
const COUNT_BYTES = 2;

export function isReplyTo(operation: Operation, frame: FrameDecoder): boolean {
  const bytes = frame.bodyEnd - frame.bodyStart;
  switch (frame.opcode) {
    case op.GOTK:
      return operation.opcode === op.GETK && bytes >= codec.GOT_VALUE && isAsFreshAsAsked(operation, frame, bytes);
    case op.DONE:
      return isDoneBy(operation.opcode) && bytes >= doneBytes(operation, frame);
    case op.LKDK:
      return operation.opcode === op.LCKK && bytes >= TOKEN_BYTES;
    case op.WAIT:
      return operation.opcode === op.LCKK;
    case op.FRAG:
      return (operation.opcode === op.GETK || operation.opcode === op.XPRT) && bytes >= codec.FRAG_BYTES;
    case op.MOVD:
      return bytes >= MOVED_BYTES;
    case op.FAIL:
      return true;
    case op.SCND:
      return operation.opcode === op.SCAN && bytes >= codec.SCANNED_ENTRIES;
    default: {
      const expected = rareReplies.get(operation.opcode);
      return expected !== undefined && frame.opcode === expected.opcode && bytes >= expected.bytesMin;
    }
  }
}

/** Only who asked for it is told what may be old, with its age. */
function isAsFreshAsAsked(operation: Operation, frame: FrameDecoder, bytes: number): boolean {
  const isStale = ((frame.buffer[frame.bodyStart] as number) & codec.GotFlag.stale) !== 0;
  return !isStale || (operation.isStale && bytes >= codec.GOT_STALE_VALUE);
}

function isDoneBy(opcode: number): boolean {
  switch (opcode) {
    case op.PUTK:
    case op.CASK:
    case op.DELK:
    case op.INCR:
    case op.ULKK:
    case op.CNCL:
    case op.WANT:
    case op.ATCH:
      return true;
    default:
      return false;
  }
}

/** The sum stands behind the revision. */
function doneBytes(operation: Operation, frame: FrameDecoder): number {
  const applied = frame.buffer[frame.bodyStart + codec.DONE_OUTCOME] === codec.DoneOutcome.applied;
  return operation.shape === Shape.sum && applied ? codec.DONE_PAYLOAD + SUM_BYTES : codec.DONE_PAYLOAD;
}

/** By request: the one reply of its own that it can get. */
const rareReplies: ReadonlyMap<number, { readonly opcode: number; readonly bytesMin: number }> = new Map([
  [op.KEEP, { opcode: op.KEPT, bytesMin: COUNT_BYTES }],
  [op.CLOS, { opcode: op.KEPT, bytesMin: COUNT_BYTES }],
  [op.STGE, { opcode: op.STGD, bytesMin: 0 }],
  [op.PING, { opcode: op.PONG, bytesMin: 0 }],
  [op.STAT, { opcode: op.STAD, bytesMin: 0 }],
  [op.CLUS, { opcode: op.CLUD, bytesMin: 0 }],
  [op.XPRT, { opcode: op.XPRD, bytesMin: EXPORTED_TEXT }],
  [op.HASH, { opcode: op.HSHD, bytesMin: HASHED_DIGEST }],
  [op.LOAD, { opcode: op.LODD, bytesMin: LOADED_FAILURES }],
]);
