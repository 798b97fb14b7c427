/** A session over a raw client: attaches where it must, counts its writes, and lets a test say otherwise. */
import { hashSlot, partitionOfSlot } from '../../src/base/hash-slot.ts';
import { codeOfWire } from '../../src/errors.ts';
import { attach, keep, OWNER, u32, type WriteParts, write } from './bodies.ts';
import { describe, type RawClient, type RawFrame } from './raw-client.ts';

let lastMessageId = 1_000_000;
let lastSession = 0;

/** A message id that no other request of the process has. */
export function nextMessageId(): number {
  lastMessageId += 1;
  return lastMessageId;
}

/** Sixteen bytes that no other session of the process has. */
export function nextSession(): Buffer {
  lastSession += 1;
  return Buffer.concat([OWNER, u32(process.pid), u32(lastSession)]);
}

export function partitionOf(key: string | Uint8Array, partitions: number): number {
  const bytes = Buffer.from(key);
  return partitionOfSlot(hashSlot(bytes, 0, bytes.length), partitions);
}

/** A write without what the session fills in. */
export type SessionWrite = Omit<WriteParts, 'attachment' | 'sequence'> & Partial<WriteParts>;

export class RawSession {
  readonly id: Buffer = nextSession();
  readonly #client: RawClient;
  readonly #partitions: number;
  readonly #attachments: Map<number, bigint> = new Map();
  #lastSequence = 0;

  constructor(client: RawClient, partitions: number) {
    this.#client = client;
    this.#partitions = partitions;
  }

  /** The attachment in the key's partition; attaches if there is none yet. */
  async attachment(key: string | Uint8Array): Promise<bigint> {
    const partition = partitionOf(key, this.#partitions);
    const known = this.#attachments.get(partition);
    if (known !== undefined) return known;
    const reply = await this.#client.request('ATCH', nextMessageId(), attach({ partition, session: this.id }));
    if (reply.opcode !== 'DONE') throw new Error(`ATCH was answered by ${describe(reply)}`);
    const attachment = revisionIn(reply);
    this.#attachments.set(partition, attachment);
    return attachment;
  }

  /** The body of a write with the next sequence, unless `parts` names one. */
  async body(parts: SessionWrite): Promise<Buffer> {
    const attachment = parts.attachment ?? (await this.attachment(parts.key));
    this.#lastSequence += 1;
    return write({ sequence: this.#lastSequence, ...parts, attachment });
  }

  async write(opcode: string, parts: SessionWrite, messageId: number = nextMessageId()): Promise<RawFrame> {
    return this.#client.request(opcode, messageId, await this.body(parts));
  }

  /** Ends the session where it is attached. */
  close(): Promise<RawFrame> {
    return this.#client.request('CLOS', nextMessageId(), keep(this.id, [...this.#attachments.keys()]));
  }
}

/** The revision in a DONE, the token in an LKDK. */
export function revisionIn({ opcode, body }: RawFrame): bigint {
  return body.readBigUInt64BE(opcode === 'LKDK' ? 0 : 1);
}

/** The code in a FAIL, by its name; the opcode of any other reply. */
export function codeIn(reply: RawFrame): string {
  return reply.opcode === 'FAIL' ? codeOfWire(reply.body.readUInt16BE(0)) : reply.opcode;
}
