/** Large values, and large pages of exports, on their way here: GOTK or XPRD announced them, FRAG frames bring the pieces. */
import { readU32 } from '../base/bytes.ts';
import { KeyvalError } from '../errors.ts';
import { FRAG_BYTES, GOT_STALE_VALUE, GOT_VALUE, GotFlag } from '../protocol/client-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import { EXPORT_TEXT_BYTES_MAX, VALUE_BYTES_MAX } from '../protocol/limits.ts';
import { XPRT } from '../protocol/opcode.ts';
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';

export interface WholeValue {
  /** Body of the frame that announced it. */
  readonly head: Uint8Array;
  readonly value: Uint8Array;
}

interface Partial extends WholeValue {
  readonly link: NodeLink;
  received: number;
}

export class FragmentedReplies {
  readonly #partial: Map<Operation, Partial> = new Map();

  /** @throws KeyvalError KV_BAD_FRAME when the length announced cannot be */
  begin(link: NodeLink, operation: Operation, head: Uint8Array): void {
    const isPage = operation.opcode === XPRT;
    const bytesMax = isPage ? EXPORT_TEXT_BYTES_MAX : VALUE_BYTES_MAX;
    const totalAt = !isPage && ((head[0] as number) & GotFlag.stale) !== 0 ? GOT_STALE_VALUE : GOT_VALUE;
    const total = head.length < totalAt + 4 ? bytesMax + 1 : readU32(head, totalAt);
    if (total > bytesMax) throw new KeyvalError('KV_BAD_FRAME', 'a value of impossible length was announced');
    this.#partial.set(operation, { link, head, value: new Uint8Array(total), received: 0 });
  }

  /** Takes one piece; gives the value when it was the last. */
  add(link: NodeLink, operation: Operation, frame: FrameDecoder): WholeValue | null {
    const partial = this.#partial.get(operation);
    if (partial === undefined || partial.link !== link) return null;
    const offset = readU32(frame.buffer, frame.bodyStart);
    const start = frame.bodyStart + FRAG_BYTES;
    if (offset !== partial.received || offset + frame.bodyEnd - start > partial.value.length) return null;
    partial.value.set(frame.buffer.subarray(start, frame.bodyEnd), offset);
    partial.received += frame.bodyEnd - start;
    if (partial.received < partial.value.length) return null;
    this.#partial.delete(operation);
    return partial;
  }

  /** Nobody waits for the rest. */
  forget(operation: Operation): void {
    if (this.#partial.size > 0) this.#partial.delete(operation);
  }

  dropLink(link: NodeLink): void {
    for (const [operation, partial] of this.#partial) if (partial.link === link) this.#partial.delete(operation);
  }
}
