/**
 * Flows: what a program does one step after the other, across its awaits (`AsyncLocalStorage`). What the body of `withLock`
 * calls may take its lock again; branches that run beside each other below it are flows of their own, and never hold a lock
 * together that one of them has taken. A flow is the owner of its locks where deadlocks are looked for (L10).
 *
 *      withLock a ─► body ─► withLock b ─► body         one flow: 1
 *                      └───► withLock c ─► body         begun while the other is under way: another, 2
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isCompatible, isDownward } from '../base/lock-mode.ts';
import type { Random } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { OWNER_BYTES } from '../protocol/hello-codec.ts';
import type { HeldLock } from './held-lock.ts';
import { type Key, keyText } from './key-buffer.ts';
import { modeName } from './lock-options.ts';

/** Numbers of flows go on the wire, with a bit more, in 32 bits. */
const NUMBERS = 2 ** 31 - 1;

export class Flow {
  readonly number: number;
  readonly #held: Set<HeldLock> = new Set();

  constructor(number: number) {
    this.number = number;
  }

  /** As LCKK says it: the number, and whether it holds a lock. */
  get tag(): number {
    return (this.number * 2 + (this.#held.size > 0 ? 1 : 0)) >>> 0;
  }

  add(held: HeldLock): void {
    this.#held.add(held);
  }

  remove(held: HeldLock): void {
    this.#held.delete(held);
  }
}

/** A flow that asks for a lock, until it has asked. */
export interface Turn {
  readonly flow: Flow;
  end(): void;
}

interface Slot {
  readonly flow: Flow;
  /** Something in it is under way: what begins now runs beside it. */
  isBusy: boolean;
}

/** What runs below `withLock`, or below `flow`. */
interface Body {
  readonly parent: Body | null;
  /** The locks that it runs under. */
  readonly held: readonly HeldLock[];
  readonly slots: Map<Flows, Slot>;
}

const bodies = new AsyncLocalStorage<Body>();

export class Flows {
  /**
   * With which the ids of all sessions of the client begin, so that a flow is one owner whatever the leases of its locks, and a
   * node knows which sessions the client may speak of.
   */
  readonly owner: Uint8Array = new Uint8Array(OWNER_BYTES);
  #last = 0;

  constructor(random: Random) {
    random.fill(this.owner);
  }

  #new(): Flow {
    this.#last = (this.#last % NUMBERS) + 1;
    return new Flow(this.#last);
  }

  /** The flow of the caller asks for a lock; null: it belongs to none. */
  ask(): Turn | null {
    const body = bodies.getStore();
    if (body === undefined) return null;
    let slot = body.slots.get(this);
    if (slot === undefined) {
      slot = { flow: this.#new(), isBusy: false };
      body.slots.set(this, slot);
    }
    if (slot.isBusy) return this.begin();
    const { flow } = slot;
    slot.isBusy = true;
    return {
      flow,
      end: () => {
        slot.isBusy = false;
      },
    };
  }

  /** A flow that begins. */
  begin(): Turn {
    return { flow: this.#new(), end: () => undefined };
  }

  /** Runs `body` under locks that `flow` has taken. */
  under<T>(held: readonly HeldLock[], flow: Flow, body: () => T): T {
    const slots = new Map([[this, { flow, isBusy: false }]]);
    return bodies.run({ parent: bodies.getStore() ?? null, held, slots }, body);
  }

  /** Runs `body` as a flow of its own. */
  run<T>(body: () => T): T {
    return bodies.run({ parent: null, held: [], slots: new Map() }, body);
  }

  /**
   * What the caller runs under of a key that is as strong as `mode`, or null.
   * @throws KeyvalError KV_DEADLOCK when it would wait for itself
   */
  again(key: Key, mode: number): HeldLock | null {
    let body = bodies.getStore() ?? null;
    if (body === null) return null;
    const name = keyText(key);
    for (; body !== null; body = body.parent) {
      for (const held of body.held) {
        if (held.flows !== this || held.state !== 'held' || keyText(held.key) !== name) continue;
        if (isDownward(held.mode, mode)) return held;
        if (!isCompatible(held.mode, mode)) throw selfDeadlock(held, mode);
      }
    }
    return null;
  }
}

function selfDeadlock({ name, mode }: HeldLock, wanted: number): KeyvalError {
  return new KeyvalError(
    'KV_DEADLOCK',
    `this flow holds ${name} in mode ${modeName(mode)} and would wait for itself to have it in mode ${modeName(wanted)}; call convert() of the lock it holds`,
  );
}
