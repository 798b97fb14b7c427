/**
 * One operation of a client history (format kvh/1): who asked what, between which two moments, and what was answered.
 * The fields of all kinds stand flat in one class, because a history of a million operations has a million of them.
 */

export const operationKinds = [
  'get',
  'put',
  'del',
  'cas',
  'incr',
  'acquire',
  'renew',
  'release',
  'keepalive',
  'close',
  'holder',
  'fwrite',
  'sadd',
  'sread',
] as const;

export type OperationKind = (typeof operationKinds)[number];

/** `ok`: took effect. `fail`: certainly had no effect. `unknown`: may have taken effect, then or later, or never. */
export type Outcome = 'ok' | 'fail' | 'unknown';

/** What a read promises: `lin` linearizable, `stale` only a value that once was, `mono` that and never backwards. */
export type Level = 'lin' | 'stale' | 'mono';

/** A value of the store; null: the key is absent. */
export type Value = string | null;

export class Operation {
  readonly id: number;
  readonly client: string;
  readonly kind: OperationKind;
  /** Empty for `keepalive` and `close`, which concern every lock of their session. */
  readonly key: string;
  readonly level: Level;
  /** Line of the call in its file, counted from 1. */
  readonly line: number;
  /** The stamps as written, ns; `answeredAt` is Infinity when nobody answered. */
  readonly sentAt: number;
  answeredAt: number = Number.POSITIVE_INFINITY;
  outcome: Outcome = 'unknown';

  /**
   * The interval in which the operation took effect, ns: the stamps, widened by half the skew of the clients' clocks;
   * `ret` is Infinity (or the end given by `late`) when the outcome is unknown. Set by `settle`.
   */
  call: number;
  ret: number = Number.POSITIVE_INFINITY;

  // What was asked.
  /** put: the value; cas: the new value; sadd: the element; incr: the number added, in decimal digits. */
  value: string | undefined = undefined;
  /** cas: the value demanded; null demands absence. */
  expected: Value | undefined = undefined;
  /** cas: the version demanded; "0" demands absence. */
  expectedVersion: string | undefined = undefined;
  /** put, cas: ns after which the value may vanish; acquire, renew: length of the lease in ns. */
  ttl: number | undefined = undefined;
  session: string | undefined = undefined;
  /** renew, release, fwrite: the token shown; acquire, holder: the token answered. */
  token: string | undefined = undefined;

  // What was answered.
  /** get, incr: the value; cas: the value that refused it. */
  found: Value | undefined = undefined;
  version: string | undefined = undefined;
  /** cas, renew, release, keepalive, close, fwrite: `ok`; del: `found`; acquire: `got`. */
  accepted: boolean | undefined = undefined;
  /** holder: the session named. */
  holder: string | null | undefined = undefined;
  elements: readonly string[] | undefined = undefined;

  constructor(
    id: number,
    client: string,
    kind: OperationKind,
    key: string,
    level: Level,
    line: number,
    sentAt: number,
  ) {
    this.id = id;
    this.client = client;
    this.kind = kind;
    this.key = key;
    this.level = level;
    this.line = line;
    this.sentAt = sentAt;
    this.call = sentAt;
  }

  /** Sets `call` and `ret` from the stamps, once the meta line is known. */
  settle(skewNs: number, lateNs: number): void {
    const half = Math.ceil(skewNs / 2);
    this.call = this.sentAt - half;
    this.ret = (this.outcome === 'unknown' ? this.sentAt + Math.ceil(lateNs) : this.answeredAt) + half;
  }

  /** True when it certainly took effect (a refusal counts as an effect that changed nothing). */
  get certain(): boolean {
    return this.outcome === 'ok';
  }
}
