/** A large value on its way to a node: it goes in pieces, and the node says when it holds the whole. */
import { writeU32 } from '../base/bytes.ts';
import type { KeyvalError } from '../errors.ts';
import { STGE } from '../protocol/opcode.ts';
import { sendStage } from '../protocol/pieces.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

export interface StageListener {
  /** The node holds it; a write names it by `reference`. */
  staged(reference: Uint8Array): void;
  failed(error: KeyvalError): void;
}

/** Sends `value`. The number of the stage is that of its message. */
export function stageValue(link: NodeLink, deadlineMs: number, value: Uint8Array, listener: StageListener): void {
  const staged = (): void => {
    const reference = new Uint8Array(8);
    writeU32(reference, 0, request.messageId);
    writeU32(reference, 4, value.length);
    listener.staged(reference);
  };
  const request = new Operation(STGE, '', null, deadlineMs, staged, (error) => listener.failed(error));
  link.pending.add(request);
  void sendStage(link.queue, request.messageId, request.messageId, value);
}
