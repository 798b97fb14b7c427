/**
 * Flows: what a program does one step after the other, across its awaits (`AsyncLocalStorage`). A flow that holds a lock may
 * take it again; two flows never hold one together. A flow is the owner of its locks where deadlocks are looked for (L10).
 *
 * `withLock` begins one, and so does `client.flow`; what they call belongs to it. A lock taken outside any flow is its own.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isCompatible, isDownward } from '../base/lock-mode.ts';
import { KeyvalError } from '../errors.ts';
import type { HeldLock } from './held-lock.ts';
import { type Key, keyText } from './key-buffer.ts';
import { modeName } from './lock-options.ts';

/** Of a session's id. */
const OWNER_BYTES = 8;
/** Numbers of flows go on the wire, with a bit more, in 32 bits. */
const NUMBERS = 2 ** 31 - 1;

export class Flow {
  readonly number: number;
  readonly #held: Map<string, Set<HeldLock>> = new Map();

  constructor(number: number) {
    this.number = number;
  }

  /** As LCKK says it: the number, and whether it holds a lock. */
  get tag(): number {
    return (this.number * 2 + (this.#held.size > 0 ? 1 : 0)) >>> 0;
  }

  /**
   * What the flow holds of a key that is as strong as `mode`, or null.
   * @throws KeyvalError KV_DEADLOCK when it would wait for itself
   */
  again(key: Key, mode: number): HeldLock | null {
    for (const held of this.#held.get(keyText(key)) ?? []) {
      if (held.state !== 'held') continue;
      if (isDownward(held.mode, mode)) return held;
      if (!isCompatible(held.mode, mode)) throw selfDeadlock(held, mode);
    }
    return null;
  }

  add(held: HeldLock): void {
    const name = keyText(held.key);
    const locks = this.#held.get(name) ?? new Set();
    this.#held.set(name, locks.add(held));
  }

  remove(held: HeldLock): void {
    const name = keyText(held.key);
    const locks = this.#held.get(name);
    if (locks?.delete(held) && locks.size === 0) this.#held.delete(name);
  }
}

function selfDeadlock({ key, mode }: HeldLock, wanted: number): KeyvalError {
  const name = typeof key === 'string' ? `'${key}'` : 'the key';
  return new KeyvalError(
    'KV_DEADLOCK',
    `this flow holds ${name} in mode ${modeName(mode)} and would wait for itself to have it in mode ${modeName(wanted)}; call convert() of the lock it holds`,
  );
}

/** By client: the flow of each in this context. */
type Context = Map<Flows, Flow>;

const contexts = new AsyncLocalStorage<Context>();

export class Flows {
  #next = 0;
  #owner: Uint8Array | null = null;

  /**
   * The session with this id, not yet told to anybody, belongs to the same client as all others that were: their ids begin
   * alike, so that a flow is one owner whatever the leases of its locks.
   */
  own(session: Uint8Array): void {
    this.#owner ??= session.slice(0, OWNER_BYTES);
    session.set(this.#owner);
  }

  /** The flow that the caller belongs to, or null. */
  get current(): Flow | null {
    const context = contexts.getStore();
    if (context === undefined) return null;
    let flow = context.get(this);
    if (flow === undefined) {
      this.#next = (this.#next % NUMBERS) + 1;
      flow = new Flow(this.#next);
      context.set(this, flow);
    }
    return flow;
  }

  /** Runs `body` as a flow of its own. */
  run<T>(body: () => T): T {
    return contexts.run(new Map(), body);
  }

  /** Runs `body` in the flow of the caller, or in one of its own. */
  join<T>(body: () => T): T {
    return contexts.getStore() === undefined ? this.run(body) : body();
  }
}
