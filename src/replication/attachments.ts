/** The sessions attached to one partition. Found by the operation of the attaching entry, checked by its epoch (R22). */
import { assert } from '../base/assert.ts';
import { Attachment, type RecordMemory } from './attachment.ts';

/** Sessions per partition; one more is refused with KV_OVERLOADED. */
export const ATTACHMENTS_MAX = 100_000;
/** An attachment with the least of records and its places in the maps, about. */
const ATTACHMENT_BYTES = 900;

export class Attachments {
  /** Newest first, chained by `older`: operations start at 1 in every epoch, so they meet again. */
  readonly #byOperation: Map<number, Attachment> = new Map();
  readonly #bySession: Map<string, Attachment> = new Map();
  readonly #bySlot: (Attachment | null)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #records: RecordMemory = { bytes: 0 };

  /** Memory held, about. */
  get bytes(): number {
    return this.size * ATTACHMENT_BYTES + this.#records.bytes;
  }

  get size(): number {
    return this.#bySession.size;
  }

  /** The attachment made by the entry (epoch, operation), or undefined. */
  find(epoch: number, operation: number): Attachment | undefined {
    let found = this.#byOperation.get(operation);
    while (found !== undefined && found.epoch !== epoch) found = found.older;
    return found;
  }

  ofSession(session: string): Attachment | undefined {
    return this.#bySession.get(session);
  }

  atSlot(slot: number): Attachment | null {
    return this.#bySlot[slot] ?? null;
  }

  /** Attaches `session`, which must not be attached. */
  add(epoch: number, operation: number, session: string, name: string, leaseMs: number): Attachment {
    const slot = this.#freeSlots.pop() ?? this.#bySlot.length;
    return this.#register(slot, epoch, operation, session, name, leaseMs);
  }

  #register(
    slot: number,
    epoch: number,
    operation: number,
    session: string,
    name: string,
    leaseMs: number,
  ): Attachment {
    const attachment = new Attachment(slot, epoch, operation, session, name, leaseMs, this.#records);
    attachment.older = this.#byOperation.get(operation);
    this.#byOperation.set(operation, attachment);
    this.#bySession.set(session, attachment);
    this.#bySlot[slot] = attachment;
    return attachment;
  }

  remove(attachment: Attachment): void {
    this.#records.bytes -= attachment.recordBytes;
    this.#unchain(attachment);
    this.#bySession.delete(attachment.session);
    this.#bySlot[attachment.slot] = null;
    this.#freeSlots.push(attachment.slot);
  }

  #unchain(attachment: Attachment): void {
    const { operation, older } = attachment;
    let newer = this.#byOperation.get(operation) as Attachment;
    if (newer !== attachment) {
      while (newer.older !== attachment) newer = newer.older as Attachment;
      newer.older = older;
    } else if (older === undefined) this.#byOperation.delete(operation);
    else this.#byOperation.set(operation, older);
  }

  // ---- all of them, for snapshots: in the order in which they attached, then the slots that are free

  /** The last one is taken next. */
  get freeSlots(): readonly number[] {
    return this.#freeSlots;
  }

  /** Puts an attachment back under its slot, behind those put back before. Its records are still to come. */
  restore(
    slot: number,
    epoch: number,
    operation: number,
    session: string,
    name: string,
    leaseMs: number,
    mark: number,
  ): Attachment {
    assert(
      this.ofSession(session) === undefined && this.atSlot(slot) === null,
      'attachments: a slot, and a session, once',
    );
    const attachment = this.#register(slot, epoch, operation, session, name, leaseMs);
    attachment.mark = mark;
    return attachment;
  }

  restoreFreeSlots(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#bySlot[slot] = null;
      this.#freeSlots.push(slot);
    }
    assert(this.#bySlot.length === this.size + slots.length, 'attachments: every slot is used or free');
  }

  [Symbol.iterator](): IterableIterator<Attachment> {
    return this.#bySession.values();
  }
}
