/** CLUD: a JSON document as a reply. */
import { CLUD } from '../protocol/opcode.ts';
import type { ReplyTarget } from './reply.ts';

const encoder = new TextEncoder();

export function replyDocument(to: ReplyTarget, messageId: number, document: object): void {
  if (to.closed) return;
  const body = encoder.encode(JSON.stringify(document));
  to.frames.begin(CLUD, messageId);
  to.frames.bytes(body, 0, body.length);
  to.frames.end();
}
