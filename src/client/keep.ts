/** KEEP and CLOS, which have one layout, and their answer KEPT: what a node says of the session's partitions (L3). */
import { readU16, writeU16 } from '../base/bytes.ts';
import { KEEP_COUNT, KEEP_PARTITIONS, KEEP_SESSION } from '../protocol/client-codec.ts';
import { Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

/**
 * Of each lease so often somebody looks whether it is to be renewed. What was asked and is not answered is asked again at the next
 * look: an answer that was lost, or takes long, is made up for. Each answer counts from when its own question was sent (L4).
 */
export const LOOKS_PER_LEASE = 12;

export interface Kept {
  readonly renewed: ReadonlySet<number>;
  /** Not served by the node that was asked. */
  readonly elsewhere: ReadonlySet<number>;
}

export interface KeepRequest {
  /** KEEP or CLOS. */
  readonly opcode: number;
  readonly link: NodeLink;
  readonly partitions: readonly number[];
  readonly timeoutMs: number;
}

/** `answered` with null: no answer came. */
export function ask(
  dispatcher: Dispatcher,
  { opcode, link, partitions, timeoutMs }: KeepRequest,
  answered: (kept: Kept | null) => void,
): void {
  const { ports, session } = dispatcher;
  const body = new Uint8Array(KEEP_PARTITIONS + partitions.length * 2);
  body.set(session.id, KEEP_SESSION);
  writeU16(body, KEEP_COUNT, partitions.length);
  partitions.forEach((partition, index) => {
    writeU16(body, KEEP_PARTITIONS + index * 2, partition);
  });
  const deadline = ports.clock.monotonicMs() + timeoutMs;
  const read = (answer: unknown): void => answered(keptIn(answer as Uint8Array));
  const request = new Operation(opcode, '', null, deadline, read, () => answered(null));
  request.body = body;
  request.link = link;
  request.shape = Shape.raw;
  dispatcher.submit(request);
}

/** KEPT: two lists. The second may be left out. */
function keptIn(body: Uint8Array): Kept {
  const [renewed, end] = listIn(body, 0);
  const [elsewhere] = listIn(body, end);
  return { renewed, elsewhere };
}

function listIn(body: Uint8Array, at: number): [list: Set<number>, end: number] {
  const list = new Set<number>();
  const count = at + 2 > body.length ? 0 : readU16(body, at);
  const end = at + 2 + count * 2;
  for (let next = at + 2; next < end && next + 2 <= body.length; next += 2) list.add(readU16(body, next));
  return [list, end];
}
