/**
 * One attempt of a request: finds the primary, attaches the session, brings a large value there, encodes. What cannot go
 * now is put aside. Requests of one turn leave in one write per node.
 */
import type { Clock, Random } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { INLINE_VALUE_BYTES_MAX } from '../protocol/limits.ts';
import * as op from '../protocol/opcode.ts';
import { Attacher } from './attacher.ts';
import type { Endings } from './endings.ts';
import { type Fence, fenceElsewhere } from './fence.ts';
import { stageValue } from './large-values.ts';
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import { RequestEncoder } from './request-encoder.ts';
import type { Retries } from './retries.ts';
import type { Router } from './router.ts';
import { NO_SEQUENCE, type Session } from './session.ts';
import { isHarmless } from './verdict.ts';
import type { Waiting } from './waiting.ts';

export interface SenderParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Of the client, as listings of sessions show it. */
  readonly name: string;
  readonly router: Router;
  readonly session: Session;
  readonly waiting: Waiting;
  readonly endings: Endings;
  readonly retries: Retries;
  /** The session may be attached now. */
  attached(partition: number): void;
}

export class Sender {
  readonly #router: Router;
  readonly #session: Session;
  readonly #waiting: Waiting;
  readonly #endings: Endings;
  readonly #retries: Retries;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #encoder: RequestEncoder;
  readonly #attacher: Attacher;
  readonly #attached: (partition: number) => void;

  constructor({ clock, random, name, router, session, waiting, endings, retries, attached }: SenderParts) {
    this.#router = router;
    this.#session = session;
    this.#waiting = waiting;
    this.#endings = endings;
    this.#retries = retries;
    this.#clock = clock;
    this.#random = random;
    this.#encoder = new RequestEncoder(clock);
    this.#attacher = new Attacher(session, name, clock);
    this.#attached = attached;
  }

  attempt(operation: Operation): void {
    if (operation.done) return;
    if (operation.retry !== null) operation.cancelRetry();
    if (!this.#router.known) return this.#waiting.add(operation);
    if (operation.body === null && !this.#place(operation)) return;
    const link = operation.link ?? (operation.isStale ? this.#anyReplica(operation) : this.#primaryOf(operation));
    if (link === null) return this.#waiting.add(operation);
    if (!link.up) return this.#waitFor(operation, link);
    if (operation.body !== null) return this.#sendBody(operation, link);
    if (operation.opcode === op.GETK) return this.#sendGet(operation, link);
    this.#sendWrite(operation, link);
  }

  #primaryOf({ partition }: Operation): NodeLink | null {
    return this.#router.linkOf(partition);
  }

  /** R13: whoever is connected may keep the partition. When one did not, the primary does; one not asked just now. */
  #anyReplica(operation: Operation): NodeLink | null {
    const primary = this.#primaryOf(operation);
    const { asked, missed } = operation;
    if (missed && primary?.up && primary !== asked) return primary;
    return this.#router.someUp(this.#random, asked) ?? primary;
  }

  /** Finds the partition of the key; a key, or a fence, that cannot be ends the request. */
  #place(operation: Operation): boolean {
    try {
      this.#encoder.key.set(operation.key);
      operation.partition = this.#router.partitionOf(this.#encoder.key);
      if (operation.fence !== null) this.#mustGuard(operation.fence, operation);
      return true;
    } catch (error) {
      this.#endings.reject(operation, error as KeyvalError);
      return false;
    }
  }

  /** @throws KeyvalError KV_BAD_KEY, KV_USAGE, KV_FENCE_PARTITION */
  #mustGuard(fence: Fence, { key, partition }: Operation): void {
    this.#encoder.lockKey.set(fence.key);
    if (this.#router.partitionOf(this.#encoder.lockKey) !== partition) throw fenceElsewhere(key, fence);
  }

  #waitFor(operation: Operation, link: NodeLink): void {
    if (link.state === 'closed') {
      const text = `${link.endpoint} is no member of the cluster any more`;
      return this.#endings.reject(operation, new KeyvalError('KV_UNREACHABLE', text));
    }
    link.open();
    this.#waiting.add(operation);
  }

  #sent(operation: Operation, link: NodeLink): void {
    operation.attempts += 1;
    link.pending.add(operation);
  }

  #sendGet(operation: Operation, link: NodeLink): void {
    if (operation.isStale) {
      operation.asked = link;
      operation.sentAtMs = this.#clock.monotonicMs();
    }
    this.#sent(operation, link);
    this.#encoder.get(link.frames, operation);
  }

  #sendBody(operation: Operation, link: NodeLink): void {
    this.#sent(operation, link);
    operation.sentAtMs = this.#clock.monotonicMs();
    this.#encoder.body(link.frames, operation);
  }

  #sendWrite(operation: Operation, link: NodeLink): void {
    const attachment = this.#session.at(operation.partition);
    const { payload } = operation;
    const current = attachment.is(operation.attachEpoch, operation.attachOperation);
    if (operation.opcode === op.CNCL || operation.opcode === op.WANT) {
      if (!current) return this.#endings.resolve(operation, undefined); // the session's end has ended its locks and waits
      return this.#writeFrame(operation, link, attachment.mark, payload);
    }
    if (operation.sequence !== NO_SEQUENCE && !current && !this.#retries.startOver(operation)) return;
    if (!attachment.attached) return this.#attachFirst(operation, link);
    if (operation.sequence === NO_SEQUENCE) {
      operation.sequence = attachment.takeSequence();
      operation.attachEpoch = attachment.epoch;
      operation.attachOperation = attachment.operation;
    }
    if (payload !== null && payload.length > INLINE_VALUE_BYTES_MAX) return this.#sendLarge(operation, link, payload);
    this.#writeFrame(operation, link, attachment.mark, payload);
  }

  #writeFrame(operation: Operation, link: NodeLink, mark: number, payload: Uint8Array | null): void {
    this.#sent(operation, link);
    this.#encoder.write(link.frames, operation, mark, payload);
  }

  /** The value first goes in pieces; then a small write names it. */
  #sendLarge(operation: Operation, link: NodeLink, value: Uint8Array): void {
    operation.link = link;
    this.#waiting.add(operation);
    this.#endings.active += 1;
    stageValue(link, operation, value, {
      givenUp: () => operation.done,
      staged: (reference) => this.#sendStagedWrite(operation, link, reference),
      failed: (error) => {
        operation.link = null;
        this.#retries.failed(operation, error);
      },
    });
  }

  /** False when the value that the node now holds is of no use. */
  #sendStagedWrite(operation: Operation, link: NodeLink, reference: Uint8Array): boolean {
    operation.link = null;
    this.#waiting.delete(operation);
    const attachment = this.#session.at(operation.partition);
    const current = attachment.is(operation.attachEpoch, operation.attachOperation);
    if (operation.done || !link.up || !current) {
      this.attempt(operation);
      return false;
    }
    this.#encoder.key.set(operation.key);
    operation.flags |= codec.WriteFlag.staged;
    this.#writeFrame(operation, link, attachment.mark, reference);
    return true;
  }

  /** R22: a session attaches to a partition before its first write there. */
  #attachFirst(operation: Operation, link: NodeLink): void {
    const { partition } = operation;
    this.#waiting.add(operation);
    const request = this.#attacher.begin(partition, link, {
      attached: () => {
        this.#attached(partition);
        this.#waiting.wakeAt(partition);
      },
      leave: (leaving) => {
        this.#endings.active += 1;
        this.attempt(leaving);
      },
      failed: (error) => {
        // Not answered in its time; those that wait for it may have more, and attach anew.
        if (error.code === 'KV_DEADLINE') return this.#waiting.wakeAt(partition);
        for (const waiting of this.#waiting.at(partition)) {
          if (!isHarmless(waiting.opcode)) this.#retries.failed(waiting, error);
        }
      },
    });
    if (request === null) return;
    this.#endings.active += 1;
    this.#sendBody(request, link);
  }
}
