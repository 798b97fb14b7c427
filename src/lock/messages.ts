/**
 * What primaries report of locks that somebody waits for, so that deadlocks can be found (L10). Only what matters for that:
 * a lock that nobody waits for who holds another one is not reported.
 */

/** A grant that stands in the way of some wait and has an owner. */
export interface ReportedGrant {
  /** Token. */
  readonly epoch: number;
  readonly operation: number;
  readonly mode: number;
  /** Owner: session, 32 hexadecimal digits, and number of the flow. Flows of sessions that begin alike are the same. */
  readonly session: string;
  readonly flow: number;
}

/** A wait; attachment and sequence name it for ever. */
export interface ReportedWait {
  /** Attachment. */
  readonly epoch: number;
  readonly operation: number;
  readonly sequence: number;
  /** The mode that it waits for. */
  readonly mode: number;
  /** A conversion of the grant under this token, which goes before the line; null: it stands in it. */
  readonly converts: { readonly epoch: number; readonly operation: number } | null;
  /** Owner; flow 0: it is reported only because others wait behind it. */
  readonly session: string;
  readonly flow: number;
  /** Of the session, for people. */
  readonly name: string;
  readonly waitsMs: number;
}

export interface ReportedLock {
  readonly partition: number;
  /** For people: cut, and not necessarily valid UTF-8 where it came from. */
  readonly key: string;
  readonly grants: readonly ReportedGrant[];
  /** In the order in which they get it: conversions first, then the line. */
  readonly waits: readonly ReportedWait[];
}
