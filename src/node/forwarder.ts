/**
 * Requests handed on to the node that is primary, for callers that do not find it themselves. The frame goes out on the
 * control link under a number of this table, behind a word about whose sessions the caller speaks of; the reply comes back
 * under it and is passed on under the caller's own.
 *
 *      caller ── id 7 ──► here ── OWNR, id n ──► primary        n ↔ (caller, 7)
 */
import { MOVED_FLAGS, MovedFlag } from '../protocol/client-codec.ts';
import { writeHex } from '../protocol/control-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { GETK, MOVD, OWNR, SCAN, WAIT } from '../protocol/opcode.ts';
import { NOBODY } from './connection.ts';
import { type ReplyTarget, replyFail } from './reply.ts';

/** Requests forwarded and not yet answered, of all callers and of one; one more is refused with KV_OVERLOADED. */
export const FORWARDS_MAX = 65_536;
export const FORWARDS_PER_CALLER_MAX = 16_384;

export interface ForwardingCaller extends ReplyTarget {
  /** Its requests that are under way here. */
  forwards: number;
}

export class Forwarder {
  readonly #callers: (ForwardingCaller | null)[] = [];
  readonly #messageIds: number[] = [];
  readonly #members: number[] = [];
  readonly #opcodes: number[] = [];
  readonly #free: number[] = [];

  /** Sends the request on; false when too many are under way. */
  forward(
    caller: ForwardingCaller,
    messageId: number,
    member: number,
    link: FrameWriter,
    opcode: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    if (caller.forwards >= FORWARDS_PER_CALLER_MAX) return false;
    const number = this.#free.pop() ?? this.#callers.length;
    if (number >= FORWARDS_MAX) return false;
    caller.forwards += 1;
    this.#callers[number] = caller;
    this.#messageIds[number] = messageId;
    this.#members[number] = member;
    this.#opcodes[number] = opcode;
    writeOwner(link, caller.owner);
    link.begin(opcode, number);
    link.bytes(bytes, start, end);
    link.end();
    return true;
  }

  /** Passes on a reply that came from `member`. */
  reply(member: number, frame: FrameDecoder): void {
    const number = frame.messageId;
    const caller = this.#callers[number] ?? null;
    if (caller === null || this.#members[number] !== member) return;
    if (frame.opcode === MOVD) replyMovedOn(caller, this.#messageIds[number] as number, frame);
    else if (!caller.closed) {
      caller.frames.begin(frame.opcode, this.#messageIds[number] as number);
      caller.frames.bytes(frame.buffer, frame.bodyStart, frame.bodyEnd);
      caller.frames.end();
    }
    if (frame.opcode !== WAIT) this.#release(number);
  }

  /** The link is gone: reads did nothing; of everything else nobody knows (R24). */
  linkLost(member: number, name: string): void {
    for (let number = 0; number < this.#callers.length; number += 1) {
      const caller = this.#callers[number] ?? null;
      if (caller === null || this.#members[number] !== member) continue;
      const opcode = this.#opcodes[number];
      const harmless = opcode === GETK || opcode === SCAN;
      const code = harmless ? 'KV_NO_QUORUM' : 'KV_AMBIGUOUS';
      replyFail(caller, this.#messageIds[number] as number, code, `the link to ${name}, the primary, broke`);
      this.#release(number);
    }
  }

  #release(number: number): void {
    (this.#callers[number] as ForwardingCaller).forwards -= 1;
    this.#callers[number] = null;
    this.#free.push(number);
  }
}

/** Whose request comes next on the link. */
function writeOwner(link: FrameWriter, owner: string): void {
  link.begin(OWNR, 0);
  if (owner !== NOBODY) writeHex(link, owner);
  link.end();
}

/** The primary has changed meanwhile: who does not find primaries itself is told what it means for the request (R24). */
function replyMovedOn(caller: ForwardingCaller, messageId: number, { buffer, bodyStart, bodyEnd }: FrameDecoder): void {
  const flags = bodyEnd - bodyStart > MOVED_FLAGS ? (buffer[bodyStart + MOVED_FLAGS] as number) : 0;
  const code = (flags & MovedFlag.unknown) === 0 ? 'KV_NO_QUORUM' : 'KV_AMBIGUOUS';
  replyFail(caller, messageId, code, 'the primary of the partition has changed');
}
