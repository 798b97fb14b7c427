/**
 * Keeps the session alive (L3): a third of the lease apart, one KEEP per node names the partitions attached there, and again a
 * twelfth later, until it is answered. The answer names those renewed, and those that the node does not serve; a partition that
 * is neither is lost, unless it has another primary by now. The session goes along when a primary changes; its lease is renewed
 * there at once.
 *
 *      asked │ 4/12 5/12 6/12 …           no answer: at each look
 *      lease ├──┼──┼──┼──┼──┼──┼──┼──┼──┼──┼──┤    of 12 looks
 */

import type { TimerHandle } from '../base/ports.ts';
import { CLOS, KEEP } from '../protocol/opcode.ts';
import type { Dispatcher } from './dispatcher.ts';
import { ask, type Kept, LOOKS_PER_LEASE } from './keep.ts';
import type { NodeLink } from './node-link.ts';

/** A node that has not answered for a lease and this is dialled anew. */
const SILENCE_MS = 5000;
/** A lease is renewed when so much of it has passed: a third, give or take half a look. */
const DUE = 7 / 24;
/** Between two attempts at a primary that was found and does not serve yet. */
const FOUND_RETRY_MS = 100;

export class KeepAlive {
  readonly #dispatcher: Dispatcher;
  #timer: TimerHandle | null = null;
  /** Partitions whose primary has not heard of the session yet, and whom of it was asked and has not answered. */
  readonly #found: Map<number, NodeLink | null> = new Map();
  #foundTimer: TimerHandle | null = null;
  #isLeaving = false;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#later();
  }

  #later(): void {
    const { ports, session } = this.#dispatcher;
    this.#timer = ports.timers.after(session.leaseMs / LOOKS_PER_LEASE, () => {
      this.#later();
      this.#look();
    });
  }

  #look(): void {
    const { router, session, ports } = this.#dispatcher;
    const attached = session.attached();
    if (attached.length === 0) return;
    const nowMs = ports.clock.monotonicMs();
    for (const link of router.links) {
      if (link.up && link.pending.size > 0 && nowMs - link.heardAtMs > session.leaseMs + SILENCE_MS) link.reset();
      const owned = router.ownedBy(link, attached);
      if (owned.some((partition) => this.#isDue(partition, nowMs))) this.#renew(link, owned);
    }
  }

  #isDue(partition: number, nowMs: number): boolean {
    const { session } = this.#dispatcher;
    return session.at(partition).leaseUntilMs - nowMs <= session.leaseMs * (1 - DUE);
  }

  /** The session is attached anew. Where that took long for the lease, the next question goes ahead of what was waiting for it. */
  attached(partition: number): void {
    const { router, session, ports } = this.#dispatcher;
    const link = router.linkOf(partition);
    if (link === null || this.#isLeaving || !session.at(partition).attached) return;
    if (this.#isDue(partition, ports.clock.monotonicMs())) this.#renew(link, [partition]);
  }

  /** These have a primary that has not heard of the session for a while, or never: it hears of it at once. */
  renewSoon(partitions: readonly number[]): void {
    if (this.#isLeaving) return;
    const attached = new Set(this.#dispatcher.session.attached());
    for (const partition of partitions) if (attached.has(partition)) this.#found.set(partition, null);
    this.#renewFound();
  }

  #renewFound(): void {
    const { router, session, ports } = this.#dispatcher;
    this.#foundTimer?.cancel();
    this.#foundTimer = null;
    const unasked = new Map<NodeLink, number[]>();
    for (const [partition, asked] of this.#found) {
      const link = router.linkOf(partition);
      if (!session.at(partition).attached) this.#found.delete(partition);
      else if (link?.up && link !== asked) unasked.set(link, [...(unasked.get(link) ?? []), partition]);
    }
    for (const [link, partitions] of unasked) {
      for (const partition of partitions) this.#found.set(partition, link);
      this.#renew(link, partitions);
    }
    if (this.#found.size > 0 && !this.#isLeaving)
      this.#foundTimer = ports.timers.after(FOUND_RETRY_MS, () => this.#renewFound());
  }

  #renew(link: NodeLink, partitions: readonly number[]): void {
    if (partitions.length === 0 || !link.up) return;
    const { session, ports } = this.#dispatcher;
    const sentAtMs = ports.clock.monotonicMs();
    const asked = partitions.map((partition) => ({
      partition,
      epoch: session.at(partition).epoch,
      operation: session.at(partition).operation,
    }));
    const request = { opcode: KEEP, link, partitions, timeoutMs: session.leaseMs };
    ask(this.#dispatcher, request, (kept) => {
      for (const { partition, epoch, operation } of asked) {
        const attachment = session.at(partition);
        if (!attachment.is(epoch, operation)) continue;
        if (kept?.renewed.has(partition) === true) {
          attachment.renewed(sentAtMs + session.leaseMs);
          if (this.#found.get(partition) === link) this.#found.delete(partition);
        } else if (kept === null || !this.#isLost(partition, link, kept)) this.#askAgain(partition, link);
        else this.#dispatcher.attachmentLost(partition, `${link.endpoint} no longer knows the session`);
      }
    });
  }

  #isLost(partition: number, link: NodeLink, { elsewhere }: Kept): boolean {
    return !elsewhere.has(partition) && this.#dispatcher.router.linkOf(partition) === link;
  }

  #askAgain(partition: number, link: NodeLink): void {
    if (this.#found.get(partition) === link) this.#found.set(partition, null);
  }

  /**
   * The session leaves every partition: locks are released, waits end. Resolves when the nodes have heard it, or after `timeoutMs`;
   * `left` is told of the partitions of each that has.
   */
  async leave(timeoutMs: number, left: (partitions: ReadonlySet<number>) => void): Promise<void> {
    this.#isLeaving = true;
    this.#timer?.cancel();
    this.#foundTimer?.cancel();
    const { router, session } = this.#dispatcher;
    const attached = session.attached();
    const goodbyes = router.links.map((link) => {
      const partitions = router.ownedBy(link, attached);
      if (partitions.length === 0 || !link.up) return Promise.resolve();
      const request = { opcode: CLOS, link, partitions, timeoutMs };
      return new Promise<void>((resolve) =>
        ask(this.#dispatcher, request, (kept) => {
          if (kept !== null) left(kept.renewed);
          resolve();
        }),
      );
    });
    await Promise.all(goodbyes);
  }
}
