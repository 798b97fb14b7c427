/**
 * The grants of one lock, each with two intervals of time:
 *
 *     surely held     from the answer to the acquire until the holder sends its release or close, or its lease has run
 *                     out; the holder counts the lease from when it *sent* the acquire or the latest renewal that was
 *                     acknowledged (rule L4)
 *     possibly held   from the sending of the acquire until the release or close was acknowledged, or the next grant was
 *                     answered; a lease that ran out proves nothing, since fail-over starts it anew (rule L3)
 */

import { leastOf, type Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';

export interface Interval {
  readonly from: number;
  readonly until: number;
}

export interface Grant {
  readonly acquire: Operation;
  readonly session: string;
  readonly token: string;
  readonly surely: Interval;
  readonly possibly: Interval;
  /** What prolonged the lease last, and what ended the grant, for listings. */
  readonly renewal: Operation | null;
  readonly end: Operation | null;
}

/**
 * @param events renewals and releases with this session and token, keepalives and closes of the session, by call
 * @param next the grant with the next greater token
 */
export function toGrant(
  acquire: Operation,
  events: readonly Operation[],
  next: Operation | undefined,
  meta: Meta,
): Grant {
  const [until, renewal] = leaseEnd(acquire, events, meta);
  const end = events.find((event) => isAcknowledgedEnd(event, acquire)) ?? null;
  return {
    acquire,
    session: acquire.session as string,
    token: acquire.token as string,
    surely: { from: acquire.ret, until },
    possibly: {
      from: acquire.call,
      until: Math.min(end?.ret ?? Number.POSITIVE_INFINITY, next?.ret ?? Number.POSITIVE_INFINITY),
    },
    renewal,
    end,
  };
}

/** The moment until which the holder may believe in its lock, and the operation it owes that to. */
function leaseEnd(acquire: Operation, events: readonly Operation[], meta: Meta): [until: number, by: Operation | null] {
  const ttl = acquire.ttl ?? meta.ttlNs ?? 0;
  let until = acquire.call + leastOf(meta, ttl);
  let by: Operation | null = null;
  for (const event of events) {
    if (isGivingUp(event)) return [Math.min(until, event.call), by];
    if (!isRenewal(event, until)) continue;
    const prolonged = event.call + leastOf(meta, event.ttl ?? ttl);
    if (prolonged > until) [until, by] = [prolonged, event];
  }
  return [until, by];
}

/** From here on the holder does not count on the lock, whatever came of it. */
function isGivingUp({ kind, certain, accepted }: Operation): boolean {
  return kind === 'release' || kind === 'close' || (kind === 'renew' && certain && accepted === false);
}

/**
 * A renewal that is acknowledged proves that the lock was held. A keepalive names no lock: it renews what was surely
 * still held when it was answered.
 */
function isRenewal({ kind, certain, accepted, ret }: Operation, until: number): boolean {
  return certain && accepted === true && (kind === 'renew' || (kind === 'keepalive' && ret <= until));
}

function isAcknowledgedEnd({ kind, certain, accepted, call }: Operation, acquire: Operation): boolean {
  if (!certain || accepted !== true) return false;
  return kind === 'release' || (kind === 'close' && call >= acquire.ret);
}
