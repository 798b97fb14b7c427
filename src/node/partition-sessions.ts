/**
 * Sessions at the primary of a partition: who attaches, whose lease is renewed, whose has run out (L3, R22). Leases are
 * the primary's own knowledge; only a session's beginning and end are entries of the log.
 */
import { writeU32 } from '../base/bytes.ts';
import type { Attachment } from '../replication/attachment.ts';
import type { Attachments } from '../replication/attachments.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import { DETACH_BYTES, DETACH_LOST } from '../replication/entry-layout.ts';
import type { Primary } from '../replication/primary.ts';
import { leaseHasRunOut } from './session-clock.ts';

/** Leases are looked at again after this at the latest: a new session may have a short one. */
const CHECK_MS = 100;

export interface SessionsHost {
  readonly nowMs: number;
  readonly writable: boolean;
  logTimeMs(): number;
  changed(): void;
  /** Its lease has run out, and its end is about to be appended. */
  ranOut(attachment: Attachment): void;
  /** It was heard over another connection than before. */
  heardAnew(attachment: Attachment): void;
}

export class PartitionSessions {
  readonly #attachments: Attachments;
  readonly #primary: Primary;
  readonly #host: SessionsHost;
  #nextCheckMs = 0;

  constructor(attachments: Attachments, primary: Primary, host: SessionsHost) {
    this.#attachments = attachments;
    this.#primary = primary;
    this.#host = host;
  }

  /** The attachment made by the entry (epoch, operation) has been heard of just now. */
  attached(epoch: number, operation: number, via: object | null): void {
    const attachment = this.#attachments.find(epoch, operation);
    if (attachment !== undefined) {
      attachment.renewedAtMs = this.#host.nowMs;
      this.#heard(attachment, via);
    }
    this.#nextCheckMs = Math.min(this.#nextCheckMs, this.#host.nowMs + CHECK_MS);
  }

  #heard(attachment: Attachment, via: object | null): void {
    if (via === null || attachment.via === via) return;
    attachment.via = via;
    this.#host.heardAnew(attachment);
  }

  /** False: it is not attached, or its end is already appended. */
  renew(session: string, via: object | null): boolean {
    const attachment = this.#attachments.ofSession(session);
    if (attachment === undefined || attachment.ending || !this.#primary.serving) return false;
    attachment.renewedAtMs = this.#host.nowMs;
    this.#heard(attachment, via);
    return true;
  }

  /** True when nothing of the session will remain once what is appended has committed. */
  leave(session: string): boolean {
    const attachment = this.#attachments.ofSession(session);
    if (attachment === undefined || attachment.ending) return true;
    return this.#end(attachment, false);
  }

  #end(attachment: Attachment, isLoss: boolean): boolean {
    if (!this.#host.writable) return false;
    const body = new Uint8Array(DETACH_BYTES);
    writeU32(body, 0, attachment.epoch);
    writeU32(body, 4, attachment.operation);
    body[DETACH_LOST] = isLoss ? 1 : 0;
    attachment.ending = true;
    this.#primary.append(EntryKind.detach, this.#host.logTimeMs(), body, 0, body.length);
    this.#host.changed();
    return true;
  }

  /** Ends the sessions whose lease has run out. Renewals only move an end away, so none ends before the earliest seen. */
  tick(): void {
    const now = this.#host.nowMs;
    if (now < this.#nextCheckMs) return;
    let next = Number.POSITIVE_INFINITY;
    for (const attachment of this.#attachments) {
      if (attachment.ending) continue;
      if (!leaseHasRunOut(attachment.leaseMs, attachment.renewedAtMs, now)) {
        next = Math.min(next, attachment.renewedAtMs + attachment.leaseMs);
      } else if (this.#host.writable) {
        this.#host.ranOut(attachment);
        this.#end(attachment, true);
      } else next = now;
    }
    this.#nextCheckMs = next;
  }

  /** This node had stopped for a while: nobody's silence is counted from before (replication.md, session clocks). */
  restartClocks(): void {
    for (const attachment of this.#attachments) attachment.renewedAtMs = this.#host.nowMs;
  }
}
