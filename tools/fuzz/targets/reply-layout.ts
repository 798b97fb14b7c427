/** Whether what a node answers has the layout that the protocol gives it. */
import { codeOfWire } from '../../../src/errors.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold } from '../target.ts';
import { type PlainFrame, readStream } from '../world/frames.ts';

const LENGTH_MAX = 2 ** 24 - 1;

/** Frames of what was sent; each must be whole and well-formed. */
export function readReplies(sent: readonly Uint8Array[]): readonly PlainFrame[] {
  if (sent.length === 0) return [];
  const [only] = sent;
  const stream = sent.length === 1 ? (only as Uint8Array) : new Uint8Array(Buffer.concat(sent));
  const { frames, badLength, restBytes } = readStream(stream, LENGTH_MAX);
  mustHold(badLength === -1 && restBytes === 0, 'what a node sends is whole frames');
  for (const frame of frames) checkReply(frame);
  return frames;
}

function checkReply({ opcode, body }: PlainFrame): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const name = op.opcodeName(opcode);
  switch (opcode >>> 0) {
    case op.GOTK:
      return mustHold(isGot(body), 'GOTK has its layout');
    case op.FRAG:
      return mustHold(body.length > 4, 'FRAG has its layout');
    case op.DONE:
      return mustHold((body.length === 9 || body.length === 17) && (body[0] as number) <= 1, 'DONE has its layout');
    case op.LKDK:
      return mustHold(isLocked(body), 'LKDK has its layout');
    case op.WAIT:
    case op.STGD:
    case op.DROP:
      return mustHold(body.length === 0, `${name} is empty`);
    case op.KEPT:
      return mustHold(isTwoLists(view), 'KEPT has its layout');
    case op.MOVD:
      return mustHold(body.length === 5 && (body[4] as number) <= 1, 'MOVD has its layout');
    case op.FAIL:
      mustHold(body.length >= 2, 'FAIL has its layout');
      return void codeOfWire(view.getUint16(0));
    case op.SCND:
      return checkPage(body, view);
  }
}

/** With bit 2 an age stands before the value. */
function isGot(body: Uint8Array): boolean {
  const flags = body[0] ?? 0xff;
  return flags <= 7 && body.length >= ((flags & 4) === 0 ? 15 : 19);
}

/** A token, alone, or with a content, or with a word that there is one. */
function isLocked(body: Uint8Array): boolean {
  if (body.length === 8) return true;
  return body[8] === 8 ? body.length === 9 : body.length >= 23 && (body[8] as number) <= 1;
}

/** Twice a number and as many partitions. */
function isTwoLists(view: DataView): boolean {
  const end = view.byteLength < 2 ? 0 : 2 + 2 * view.getUint16(0);
  return end > 0 && end + 2 <= view.byteLength && view.byteLength === end + 2 + 2 * view.getUint16(end);
}

function checkPage(body: Uint8Array, view: DataView): void {
  mustHold(body.length >= 18, 'SCND has its layout');
  let at = 18;
  for (let left = view.getUint32(14); left > 0; left -= 1) {
    mustHold(at + 20 <= body.length, 'SCND: every entry has its head');
    const valueBytes = view.getUint32(at + 2);
    at += 20 + view.getUint16(at) + (valueBytes === 0xffff_ffff ? 0 : valueBytes);
  }
  mustHold(at === body.length, 'SCND: the entries fill the body');
}
