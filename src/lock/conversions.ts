/** Conversions of held locks (L7): those under way, and what a lock was before its last one. Few locks have either. */

/** A mode of a request, with the sequence and the token (0: none yet) that go with it. */
export interface Conversion {
  readonly mode: number;
  readonly sequence: number;
  readonly epoch: number;
  readonly operation: number;
  /** Log time: of the grant, or of the beginning of the wait. */
  readonly sinceMs: number;
}

export class Conversions {
  readonly #pending: Map<number, Conversion> = new Map();
  readonly #formers: Map<number, Conversion> = new Map();

  pending(request: number): Conversion | undefined {
    return this.#pending.size === 0 ? undefined : this.#pending.get(request);
  }

  former(request: number): Conversion | undefined {
    return this.#formers.size === 0 ? undefined : this.#formers.get(request);
  }

  wait(request: number, conversion: Conversion): void {
    this.#pending.set(request, conversion);
  }

  endWait(request: number): void {
    this.#pending.delete(request);
  }

  remember(request: number, former: Conversion): void {
    this.#formers.set(request, former);
  }

  forget(request: number): void {
    if (this.#formers.size > 0) this.#formers.delete(request);
  }
}
