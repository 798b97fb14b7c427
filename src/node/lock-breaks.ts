/**
 * Locks that an operator takes away from their holders (L14): an entry of the log for each grant, so that every replica knows,
 * and knows why. The holder is told over the connection that its session was heard over last; whoever is connected anew, or to
 * another primary, is told again.
 */
import { writeU16, writeU32 } from '../base/bytes.ts';
import type { Conversion } from '../lock/conversions.ts';
import { type Loss, LossCause } from '../lock/losses.ts';
import { LostCause } from '../protocol/client-codec.ts';
import { LOST } from '../protocol/opcode.ts';
import type { Attachment } from '../replication/attachment.ts';
import { EntryKind } from '../replication/entry-kind.ts';
import * as layout from '../replication/entry-layout.ts';
import { Connection } from './connection.ts';
import { tokenText } from './lock-facts.ts';
import type { LockingPartition } from './primary-locks.ts';

/** Of the name of whoever asks for it. */
const BY_BYTES_MAX = 255;
/** Grants that one request ends: many may have one token. */
const GRANTS_MAX = 1000;
const NONE = -1;
const utf8 = new TextEncoder();

/** Called once: with what was taken away, or with null when the reign ended before that was certain. */
export type Broken = (losses: readonly Loss[] | null) => void;

interface Pending {
  /** All is decided when the entry before this position is applied. */
  readonly until: number;
  readonly key: Uint8Array;
  readonly losses: Loss[];
  readonly done: Broken;
}

export class LockBreaks {
  readonly #partition: LockingPartition;
  #pending: Pending[] = [];
  /** Losses that have been looked at. */
  #seen: number;

  constructor(partition: LockingPartition) {
    this.#partition = partition;
    this.#seen = partition.state.losses.added;
  }

  /** False: nobody holds the lock under one of these tokens. */
  begin(key: Uint8Array, tokens: ReadonlySet<string>, by: string, done: Broken): boolean {
    const { locks } = this.#partition.state;
    const slot = locks.find(key, 0, key.length);
    const named: { readonly held: number; readonly grants: readonly Conversion[] }[] = [];
    for (let held = slot < 0 ? NONE : locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held)) {
      const grants = this.#grantsOf(held, tokens);
      if (grants.length > 0) named.push({ held, grants });
    }
    named.splice(GRANTS_MAX);
    if (named.length === 0) return false;
    let last = NONE;
    for (const { held, grants } of named)
      for (const { sequence } of grants)
        last = this.#append(held, sequence, grants[0] as Conversion, key, utf8.encode(by).subarray(0, BY_BYTES_MAX));
    this.#pending.push({ until: last + 1, key, losses: [], done });
    this.#partition.changed();
    return true;
  }

  /**
   * What a holder is known by, first by what one of these tokens brought; empty: it has none of them. The token from before a
   * conversion upward is as good as the one it brought. Whether that conversion is undone, or followed by another, before the
   * entry is applied, nobody knows yet: the holder is named by both, and broken once. The loss is that of the token that was
   * named, so that the same request, sent again, finds it.
   */
  #grantsOf(held: number, tokens: ReadonlySet<string>): readonly Conversion[] {
    const { locks } = this.#partition.state;
    const isNamed = ({ epoch, operation }: Conversion): boolean => tokens.has(tokenText(epoch, operation));
    const present = locks.grantOf(held);
    const former = locks.formerOf(held);
    const grants = former === undefined || former.sequence === present.sequence ? [present] : [present, former];
    if (!grants.some(isNamed)) return [];
    return isNamed(present) ? grants : grants.reverse();
  }

  #append(held: number, sequence: number, named: Conversion, key: Uint8Array, by: Uint8Array): number {
    const { state, primary } = this.#partition;
    const { requests } = state.locks;
    const attachment = state.attachments.atSlot(requests.attachment(held));
    const body = attachment === null ? endOfDelay(key, by) : breakOf(attachment, sequence, named, by);
    const kind = attachment === null ? EntryKind.endDelay : EntryKind.cancel;
    if (attachment === null) {
      writeU32(body, 0, requests.tokenEpoch(held));
      writeU32(body, 4, requests.tokenOperation(held));
    }
    return primary.append(kind, this.#partition.logTimeMs(), body, 0, body.length);
  }

  /** The entry applied last may have taken locks away. */
  tellNews(): void {
    const { losses } = this.#partition.state;
    if (this.#seen !== losses.added) {
      for (const loss of losses.from(this.#seen)) this.#lost(loss);
      this.#seen = losses.added;
    }
    if (this.#pending.length > 0) this.#settle();
  }

  #lost(loss: Loss): void {
    if (loss.cause !== LossCause.broken && loss.cause !== LossCause.delayEnded) return;
    for (const pending of this.#pending) if (isSame(pending.key, loss)) pending.losses.push(loss);
    const attachment = this.#partition.state.attachments.ofSession(loss.session);
    if (attachment !== undefined) this.#push(attachment, loss);
  }

  #settle(): void {
    const { applied } = this.#partition;
    const settled = this.#pending.filter(({ until }) => until <= applied);
    if (settled.length === 0) return;
    this.#pending = this.#pending.filter(({ until }) => until > applied);
    for (const { done, losses } of settled) done(losses);
  }

  /** The session was heard over another connection than before: what it was told over the former one may be lost. */
  heardAnew(attachment: Attachment): void {
    const { losses } = this.#partition.state;
    for (const loss of losses.from(0))
      if (loss.cause === LossCause.broken && loss.session === attachment.session) this.#push(attachment, loss);
  }

  #push({ via }: Attachment, { cause, epoch, operation }: Loss): void {
    if (cause !== LossCause.broken || !(via instanceof Connection) || via.closed || !via.routes) return;
    via.frames.begin(LOST, 0);
    via.frames.u16(this.#partition.id);
    via.frames.u32(epoch);
    via.frames.u32(operation >>> 0);
    via.frames.u8(LostCause.broken);
    via.frames.end();
  }

  /** R16: the reign is over; the entries may become committed elsewhere. */
  end(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { done } of pending) done(null);
  }
}

function breakOf({ epoch, operation }: Attachment, sequence: number, named: Conversion, by: Uint8Array): Uint8Array {
  const body = new Uint8Array(layout.CANCEL_BY + by.length);
  writeU32(body, 0, epoch);
  writeU32(body, 4, operation);
  writeU32(body, layout.CANCEL_SEQUENCE, sequence);
  body[layout.CANCEL_RELEASE] = 1;
  body[layout.CANCEL_BROKEN] = 1;
  writeU32(body, layout.CANCEL_TOKEN, named.epoch);
  writeU32(body, layout.CANCEL_TOKEN + 4, named.operation);
  body.set(by, layout.CANCEL_BY);
  return body;
}

/** Whose token is to be filled in. That a name stands behind it tells it from one whose time is up. */
function endOfDelay(key: Uint8Array, by: Uint8Array): Uint8Array {
  const name = by.length === 0 ? utf8.encode('?') : by;
  const body = new Uint8Array(layout.EXPIRE_KEY + key.length + name.length);
  writeU16(body, layout.EXPIRE_KEY_LENGTH, key.length);
  body.set(key, layout.EXPIRE_KEY);
  body.set(name, layout.EXPIRE_KEY + key.length);
  return body;
}

function isSame(key: Uint8Array, loss: Loss): boolean {
  return loss.keyLength === key.length && loss.key.every((byte, at) => byte === key[at]);
}
