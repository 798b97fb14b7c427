/** Attaching the session to a partition (R22): at most one ATCH under way per partition. */
import { writeU16, writeU32 } from '../base/bytes.ts';
import type { Clock } from '../base/ports.ts';
import type { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import { NAME_BYTES_MAX } from '../protocol/limits.ts';
import { ATCH, CLOS } from '../protocol/opcode.ts';
import { Shape } from './answers.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';
import type { Session } from './session.ts';

/** How long an attachment may take at least. */
const ATTACH_MS = 5000;

export interface AttachListener {
  attached(): void;
  /** The former attachment must end first: this request ends it. */
  leave(request: Operation): void;
  failed(error: KeyvalError): void;
}

export class Attacher {
  readonly #session: Session;
  readonly #name: Uint8Array;
  readonly #clock: Clock;

  constructor(session: Session, name: string, clock: Clock) {
    this.#session = session;
    this.#name = new TextEncoder().encode(name).slice(0, NAME_BYTES_MAX);
    this.#clock = clock;
  }

  /** The request to send to `link`; null when one is under way. */
  begin(partition: number, link: NodeLink, listener: AttachListener): Operation | null {
    const attachment = this.#session.at(partition);
    if (attachment.attaching) return null;
    attachment.attaching = true;
    const { leaseMs } = this.#session;
    const attached = (answer: unknown): void => {
      const { epoch, operation } = halves(answer as bigint);
      if (attachment.isGivenUp(epoch, operation)) return listener.leave(this.#leaving(partition, link, ended));
      attachment.attachedAt(epoch, operation, request.sentAtMs + leaseMs);
      listener.attached();
    };
    const ended = (): void => {
      attachment.attaching = false;
      listener.attached(); // whoever waits attaches anew
    };
    const failed = (error: KeyvalError): void => {
      attachment.attaching = false;
      listener.failed(error);
    };
    const request = new Operation(
      ATCH,
      '',
      null,
      this.#clock.monotonicMs() + Math.max(leaseMs, ATTACH_MS),
      attached,
      failed,
    );
    request.partition = partition;
    request.shape = Shape.revision;
    request.link = link;
    request.body = this.#body(partition);
    return request;
  }

  /** CLOS for one partition. */
  #leaving(partition: number, link: NodeLink, ended: () => void): Operation {
    const body = new Uint8Array(codec.KEEP_PARTITIONS + 2);
    body.set(this.#session.id, codec.KEEP_SESSION);
    writeU16(body, codec.KEEP_COUNT, 1);
    writeU16(body, codec.KEEP_PARTITIONS, partition);
    const request = new Operation(CLOS, '', null, this.#clock.monotonicMs() + ATTACH_MS, ended, ended);
    request.shape = Shape.raw;
    request.link = link;
    request.body = body;
    return request;
  }

  #body(partition: number): Uint8Array {
    const { leaseMs, id } = this.#session;
    const body = new Uint8Array(codec.ATTACH_NAME + this.#name.length);
    writeU32(body, 0, leaseMs);
    writeU16(body, codec.ATTACH_PARTITION, partition);
    body.set(id, codec.ATTACH_SESSION);
    writeU32(body, codec.ATTACH_LEASE, leaseMs);
    body[codec.ATTACH_NAME_LENGTH] = this.#name.length;
    body.set(this.#name, codec.ATTACH_NAME);
    return body;
  }
}

function halves(revision: bigint): { epoch: number; operation: number } {
  return { epoch: Number(revision >> 32n), operation: Number(BigInt.asIntN(32, revision)) };
}
