/**
 * Watches the modes in which locks are held (L7), from outside: at the very moment at which a client is told that it holds
 * one, nobody whose mode does not go with it may believe to hold it, by the client's own clock and lease (L4).
 */
import { isCompatible } from '../base/lock-mode.ts';
import type { World } from './world.ts';

export interface Belief {
  readonly who: string;
  readonly mode: number;
  readonly token: bigint;
  /** Whether the holder would still say that it holds the lock; asks nothing of it. */
  holds(): boolean;
}

export class ModeGuard {
  readonly #world: World;
  readonly #beliefs: Map<string, Set<Belief>> = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  /** Somebody has been told that it holds the lock of `key`. */
  begin(key: string, belief: Belief): void {
    const beliefs = this.#beliefs.get(key) ?? new Set();
    this.#beliefs.set(key, beliefs.add(belief));
    this.look(key, belief);
  }

  /** It was told so again, in another mode perhaps. */
  look(key: string, belief: Belief): void {
    for (const other of this.#beliefs.get(key) ?? []) {
      if (other === belief || isCompatible(other.mode, belief.mode)) continue;
      if (!other.holds() || !belief.holds()) continue;
      const text = `${belief.who} holds '${key}' in mode ${belief.mode} under ${belief.token}, and ${other.who} in mode ${other.mode} under ${other.token}`;
      this.#world.fail('modes that do not go together', text);
    }
  }

  end(key: string, belief: Belief): void {
    this.#beliefs.get(key)?.delete(belief);
  }
}
