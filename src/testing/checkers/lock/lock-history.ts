/** The history of one lock: its operations, its grants by token, and the acquires nobody knows the fate of. */

import { KeyvalError } from '../../../errors.ts';
import { compareDecimals } from '../history/decimal.ts';
import type { Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';
import { order, PrefixBest } from '../prefix-best.ts';
import { type Grant, type Interval, toGrant } from './grant.ts';

/** Keepalives and closes by session, each list by call. */
export type SessionEvents = ReadonlyMap<string, readonly Operation[]>;

/** An acquire of unknown fate: it may have got the lock at some time, with a token that nobody saw. */
export interface Shadow {
  readonly acquire: Operation;
  readonly possibly: Interval;
}

export class LockHistory {
  readonly meta: Meta;
  /** By call. */
  readonly operations: readonly Operation[];
  /** By token. */
  readonly grants: readonly Grant[];
  readonly shadows: readonly Shadow[];
  readonly #sessions: SessionEvents;

  /** @throws KeyvalError KV_USAGE when an acquire has no lease length */
  constructor(operations: readonly Operation[], sessions: SessionEvents, meta: Meta) {
    this.meta = meta;
    this.operations = [...operations].sort((a, b) => order(a.call, b.call));
    this.#sessions = sessions;
    const acquires = this.operations.filter(({ kind }) => kind === 'acquire');
    for (const acquire of acquires) demandLease(acquire, meta);
    const granted = acquires.filter(({ certain, accepted }) => certain && accepted === true);
    this.grants = this.#toGrants(granted);
    this.shadows = toShadows(
      acquires.filter(({ outcome }) => outcome === 'unknown'),
      granted,
    );
  }

  #toGrants(granted: Operation[]): Grant[] {
    granted.sort((a, b) => compareDecimals(a.token as string, b.token as string));
    const own = this.#ownEvents();
    return granted.map((acquire, i) => {
      const events = own.get(ownerKey(acquire)) ?? [];
      const all = [...events, ...this.#sessionEvents(acquire, events)].sort((a, b) => order(a.call, b.call));
      return toGrant(acquire, all, granted[i + 1], this.meta);
    });
  }

  /** Renewals and releases by session and token. */
  #ownEvents(): ReadonlyMap<string, Operation[]> {
    const own = new Map<string, Operation[]>();
    for (const operation of this.operations) {
      if (operation.kind !== 'renew' && operation.kind !== 'release') continue;
      const list = own.get(ownerKey(operation));
      if (list === undefined) own.set(ownerKey(operation), [operation]);
      else list.push(operation);
    }
    return own;
  }

  /** Keepalives and closes of the holder, from the acquire to the first release. */
  #sessionEvents(acquire: Operation, own: readonly Operation[]): readonly Operation[] {
    const events = this.#sessions.get(acquire.session as string) ?? [];
    const end = own.find(({ kind }) => kind === 'release')?.call ?? Number.POSITIVE_INFINITY;
    return events.slice(countBefore(events, acquire.call), countBefore(events, end));
  }
}

/** Names a grant by who holds it and with which token. */
export function ownerKey({ session, token }: Pick<Operation, 'session' | 'token'>): string {
  return `${token} ${session}`;
}

/** A shadow is over when somebody asked for the lock after it could still take effect, and got it. */
function toShadows(unknown: readonly Operation[], granted: readonly Operation[]): Shadow[] {
  const later = new PrefixBest(
    granted,
    ({ call }) => -call,
    (a, b) => order(b.ret, a.ret),
  );
  return unknown.map((acquire) => {
    const next = later.before(-acquire.ret);
    return { acquire, possibly: { from: acquire.call, until: next?.ret ?? Number.POSITIVE_INFINITY } };
  });
}

function demandLease(acquire: Operation, meta: Meta): void {
  if (acquire.ttl !== undefined || meta.ttlNs !== undefined) return;
  throw new KeyvalError(
    'KV_USAGE',
    `line ${acquire.line}: an acquire without "ttl", and the meta line has none either`,
  );
}

/** How many events, sorted by call, were called before a moment. */
function countBefore(events: readonly Operation[], moment: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((events[middle] as Operation).call < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
