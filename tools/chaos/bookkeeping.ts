/**
 * What was acknowledged, by key, against what is read at the end. Revisions and tokens of a key only grow, so that an
 * acknowledged write is lost if the key ends with a smaller one; increments are counted one by one.
 */

export interface Increments {
  acknowledged: number;
  /** Nobody knows whether they were made. */
  unknown: number;
}

export interface Losses {
  /** Keys read at the end. */
  readonly keys: number;
  /** Keys that could not be read, so that nothing is known of them. */
  readonly unread: number;
  /** Acknowledged writes that are gone. Of each register the last one only: the judge knows of the others. */
  readonly lost: number;
  /** Increments beyond all that were sent: one was made twice. */
  readonly doubled: number;
  /** Locks whose token did not grow. */
  readonly tokens: number;
}

export class Bookkeeping {
  readonly #revisions: Map<string, bigint> = new Map();
  readonly #increments: Map<string, Increments> = new Map();
  readonly #tokens: Map<string, bigint> = new Map();
  #keys = 0;
  #unread = 0;
  #lost = 0;
  #doubled = 0;
  #tokensBack = 0;

  wrote(key: string, revision: bigint): void {
    if (revision > (this.#revisions.get(key) ?? 0n)) this.#revisions.set(key, revision);
  }

  increments(key: string): Increments {
    const known = this.#increments.get(key);
    if (known !== undefined) return known;
    const fresh = { acknowledged: 0, unknown: 0 };
    this.#increments.set(key, fresh);
    return fresh;
  }

  locked(key: string, token: bigint): void {
    if (token > (this.#tokens.get(key) ?? 0n)) this.#tokens.set(key, token);
  }

  /** Keys to read at the end. */
  get registers(): readonly string[] {
    return [...this.#revisions.keys()];
  }

  get counters(): readonly string[] {
    return [...this.#increments.keys()];
  }

  get locks(): readonly string[] {
    return [...this.#tokens.keys()];
  }

  // ---- what was read; null: it could not be

  /** `revision` 0n: the key is absent. */
  readRegister(key: string, revision: bigint | null): void {
    if (this.#counts(revision) && (revision as bigint) < (this.#revisions.get(key) ?? 0n)) this.#lost += 1;
  }

  readCounter(key: string, value: number | null): void {
    if (!this.#counts(value)) return;
    const { acknowledged, unknown } = this.increments(key);
    this.#lost += Math.max(0, acknowledged - (value as number));
    this.#doubled += Math.max(0, (value as number) - acknowledged - unknown);
  }

  readLock(key: string, token: bigint | null): void {
    if (this.#counts(token) && (token as bigint) <= (this.#tokens.get(key) ?? 0n)) this.#tokensBack += 1;
  }

  #counts(what: unknown): boolean {
    this.#keys += 1;
    if (what !== null) return true;
    this.#unread += 1;
    return false;
  }

  get losses(): Losses {
    const [keys, unread, lost] = [this.#keys, this.#unread, this.#lost];
    return { keys, unread, lost, doubled: this.#doubled, tokens: this.#tokensBack };
  }
}

export function addLosses(all: readonly Losses[]): Losses {
  const sum = (of: (losses: Losses) => number): number => all.reduce((total, losses) => total + of(losses), 0);
  return {
    keys: sum(({ keys }) => keys),
    unread: sum(({ unread }) => unread),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    tokens: sum(({ tokens }) => tokens),
  };
}
