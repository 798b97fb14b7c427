/** The sessions attached to one partition. Found by the operation of the attaching entry, checked by its epoch (R22). */
import { Attachment } from './attachment.ts';

/** Sessions per partition; one more is refused with KV_OVERLOADED. */
export const ATTACHMENTS_MAX = 100_000;

export class Attachments {
  readonly #byOperation: Map<number, Attachment> = new Map();
  readonly #bySession: Map<string, Attachment> = new Map();
  readonly #bySlot: (Attachment | null)[] = [];
  readonly #freeSlots: number[] = [];

  get size(): number {
    return this.#bySession.size;
  }

  /** The attachment made by the entry (epoch, operation), or undefined. */
  find(epoch: number, operation: number): Attachment | undefined {
    const found = this.#byOperation.get(operation);
    return found !== undefined && found.epoch === epoch ? found : undefined;
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
    const attachment = new Attachment(slot, epoch, operation, session, name, leaseMs);
    this.#byOperation.set(operation, attachment);
    this.#bySession.set(session, attachment);
    this.#bySlot[slot] = attachment;
    return attachment;
  }

  remove(attachment: Attachment): void {
    if (this.#byOperation.get(attachment.operation) === attachment) this.#byOperation.delete(attachment.operation);
    this.#bySession.delete(attachment.session);
    this.#bySlot[attachment.slot] = null;
    this.#freeSlots.push(attachment.slot);
  }

  [Symbol.iterator](): IterableIterator<Attachment> {
    return this.#bySession.values();
  }
}
