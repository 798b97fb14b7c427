/**
 * Watches who works under a lock, from outside: at the very moment at which a client is told that it holds a lock, nobody
 * with a newer token may have been told so before (L2, L4). It is also the resource that a fencing token guards.
 */
import type { World } from './world.ts';

export class LockGuard {
  readonly #world: World;
  readonly #newest: Map<string, { token: bigint; who: string }> = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  /** `who` has just been told that it holds the lock of `key` under `token`. */
  holds(key: string, token: bigint, who: string): void {
    const newest = this.#newest.get(key);
    if (newest === undefined || token > newest.token) {
      this.#newest.set(key, { token, who });
      return;
    }
    if (newest.token === token && newest.who === who) return;
    const text = `${who} holds '${key}' under token ${token}, but ${newest.who} held it under ${newest.token} before`;
    this.#world.fail('two holders', text);
  }
}
