/**
 * Keeps the session alive (L3): a third of the lease apart, one KEEP per node names the partitions attached there; the
 * answer names those renewed. A partition that is asked about and not named is lost.
 */

import { readU16, writeU16 } from '../base/bytes.ts';
import type { TimerHandle } from '../base/ports.ts';
import { KEEP_COUNT, KEEP_PARTITIONS, KEEP_SESSION } from '../protocol/client-codec.ts';
import { CLOS, KEEP } from '../protocol/opcode.ts';
import { Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

/** A node that has not answered for a lease and this is dialled anew. */
const SILENCE_MS = 5000;
/** Renewals per lease. */
const RENEWALS = 3;

export class KeepAlive {
  readonly #dispatcher: Dispatcher;
  #timer: TimerHandle | null = null;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#later();
  }

  #later(): void {
    const { ports, session } = this.#dispatcher;
    this.#timer = ports.timers.after(session.leaseMs / RENEWALS, () => {
      this.#later();
      this.#renewAll();
    });
  }

  #renewAll(): void {
    const { router, session } = this.#dispatcher;
    const attached = session.attached();
    if (attached.length === 0) return;
    const now = this.#dispatcher.ports.clock.monotonicMs();
    for (const link of router.links) {
      if (link.up && link.pending.size > 0 && now - link.heardAtMs > session.leaseMs + SILENCE_MS) link.reset();
      const partitions = router.ownedBy(link, attached);
      if (partitions.length > 0 && link.up) this.#renew(link, partitions);
    }
  }

  #renew(link: NodeLink, partitions: readonly number[]): void {
    const { session, ports } = this.#dispatcher;
    const sentAtMs = ports.clock.monotonicMs();
    const asked = partitions.map((partition) => ({
      partition,
      epoch: session.at(partition).epoch,
      operation: session.at(partition).operation,
    }));
    this.#ask(KEEP, link, partitions, session.leaseMs / RENEWALS, (named) => {
      for (const { partition, epoch, operation } of asked) {
        const attachment = session.at(partition);
        if (!attachment.is(epoch, operation)) continue;
        if (named.has(partition))
          attachment.leaseUntilMs = Math.max(attachment.leaseUntilMs, sentAtMs + session.leaseMs);
        else this.#dispatcher.attachmentLost(partition, `${link.endpoint} no longer knows the session`);
      }
    });
  }

  #ask(
    opcode: number,
    link: NodeLink,
    partitions: readonly number[],
    timeoutMs: number,
    answered: (named: Set<number>) => void,
  ): void {
    const { session, ports } = this.#dispatcher;
    const body = new Uint8Array(KEEP_PARTITIONS + partitions.length * 2);
    body.set(session.id, KEEP_SESSION);
    writeU16(body, KEEP_COUNT, partitions.length);
    partitions.forEach((partition, index) => {
      writeU16(body, KEEP_PARTITIONS + index * 2, partition);
    });
    const deadline = ports.clock.monotonicMs() + timeoutMs;
    const read = (answer: unknown): void => answered(namedIn(answer as Uint8Array));
    const failed = (): void => (opcode === CLOS ? answered(new Set()) : undefined);
    const request = new Operation(opcode, '', null, deadline, read, failed);
    request.body = body;
    request.link = link;
    request.shape = Shape.raw;
    this.#dispatcher.submit(request);
  }

  /** The session leaves every partition: locks are released, waits end. Resolves when the nodes have heard it, or after `timeoutMs`. */
  async leave(timeoutMs: number): Promise<void> {
    this.#timer?.cancel();
    const { router, session } = this.#dispatcher;
    const attached = session.attached();
    const goodbyes = router.links.map((link) => {
      const partitions = router.ownedBy(link, attached);
      if (partitions.length === 0 || !link.up) return Promise.resolve();
      return new Promise<void>((resolve) => this.#ask(CLOS, link, partitions, timeoutMs, () => resolve()));
    });
    await Promise.all(goodbyes);
  }
}

function namedIn(body: Uint8Array): Set<number> {
  const named = new Set<number>();
  const count = body.length < 2 ? 0 : readU16(body, 0);
  for (let index = 0; index < count && 2 + index * 2 + 2 <= body.length; index += 1)
    named.add(readU16(body, 2 + index * 2));
  return named;
}
