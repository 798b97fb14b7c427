/** A large value on its way to a node: it goes in pieces, and the node says when it holds the whole. */
import { writeU32 } from '../base/bytes.ts';
import type { KeyvalError } from '../errors.ts';
import { DROP, STGE } from '../protocol/opcode.ts';
import { sendStage } from '../protocol/pieces.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

export interface StageListener {
  /** Nobody waits for the write any more: the rest of the pieces need not be sent. */
  readonly givenUp: () => boolean;
  /** The node holds it; a write names it by `reference`. False: it will not, and the node is to forget the value. */
  staged(reference: Uint8Array): boolean;
  failed(error: KeyvalError): void;
}

/** Sends the `value` of `write`. The number of the stage is that of its message. */
export function stageValue(link: NodeLink, write: Operation, value: Uint8Array, listener: StageListener): void {
  let settled = false;
  let isSent = false;
  let isHeld = false;
  const staged = (): void => {
    settled = true;
    isHeld = true;
    const reference = new Uint8Array(8);
    writeU32(reference, 0, request.messageId);
    writeU32(reference, 4, value.length);
    if (!listener.staged(reference)) drop(link, request.messageId);
  };
  const failed = (error: KeyvalError): void => {
    settled = true;
    if (isSent) drop(link, request.messageId);
    listener.failed(error);
  };
  const request = new Operation(STGE, '', null, write.deadlineMs, staged, failed);
  request.partition = write.partition;
  link.pending.add(request);
  const stop = (): boolean => settled || listener.givenUp();
  void sendStage(link.queue, request.messageId, request.messageId, value, stop).then(() => {
    isSent = true;
    if (!isHeld && (settled || listener.givenUp())) drop(link, request.messageId);
  });
}

function drop(link: NodeLink, stage: number): void {
  if (!link.up) return; // the stage went with the connection
  link.frames.begin(DROP, stage);
  link.frames.end();
}
