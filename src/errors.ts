/**
 * Every error keyval reports, in one table: code, number on the wire, whether a retry can help, what is known of the
 * outcome, and the exit code of the command line. Callers match on `code`; messages may change, codes do not.
 */

/** What is known about a request that failed: it certainly did nothing, or nobody can say (R24). */
export type Outcome = 'not-done' | 'unknown';

export interface CodeInfo {
  /** Number on the wire, fixed for ever. */
  readonly wire: number;
  /** Trying again later may succeed. */
  readonly retryable: boolean;
  readonly outcome: Outcome;
  /** Exit code of `keyval` and `keyval-node`. */
  readonly exitCode: number;
  /** What it means and what to do, for the table in the docs. */
  readonly meaning: string;
}

export const ExitCode = {
  ok: 0,
  error: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  noQuorum: 5,
  lock: 6,
  /** EX_SOFTWARE of sysexits.h: an uncaught error ended the process. */
  software: 70,
} as const;

const { error, usage, notFound, conflict, noQuorum, lock, software } = ExitCode;

function row(wire: number, retryable: boolean, outcome: Outcome, exitCode: number, meaning: string): CodeInfo {
  return { wire, retryable, outcome, exitCode, meaning };
}

export type Code =
  | 'KV_USAGE'
  | 'KV_BAD_FRAME'
  | 'KV_UNKNOWN_OPCODE'
  | 'KV_BAD_REQUEST'
  | 'KV_BAD_KEY'
  | 'KV_TOO_LARGE'
  | 'KV_VERSION'
  | 'KV_WRONG_CLUSTER'
  | 'KV_UNAUTHORIZED'
  | 'KV_CONFIG_MISMATCH'
  | 'KV_RESTARTED'
  | 'KV_UNREACHABLE'
  | 'KV_NO_QUORUM'
  | 'KV_AMBIGUOUS'
  | 'KV_DEADLINE'
  | 'KV_ABORTED'
  | 'KV_OVERLOADED'
  | 'KV_OUT_OF_MEMORY'
  | 'KV_NOT_FOUND'
  | 'KV_CONFLICT'
  | 'KV_NOT_INTEGER'
  | 'KV_LOCK_BUSY'
  | 'KV_LOCK_LOST'
  | 'KV_NOT_HELD'
  | 'KV_NO_SESSION'
  | 'KV_MOVED'
  | 'KV_STOPPING'
  | 'KV_CLOSED'
  | 'KV_ADDRESS_IN_USE'
  | 'KV_INTERNAL'
  | 'KV_STATE'
  | 'KV_FENCED'
  | 'KV_FENCE_PARTITION'
  | 'KV_DEADLOCK';

export const codes: Readonly<Record<Code, CodeInfo>> = {
  KV_USAGE: row(1, false, 'not-done', usage, 'An option or argument is wrong; the message names it.'),
  KV_BAD_FRAME: row(2, false, 'unknown', error, 'The bytes received are not keyval frames; the connection is closed.'),
  KV_UNKNOWN_OPCODE: row(
    3,
    false,
    'not-done',
    error,
    'The node does not know this request; it is older than the client.',
  ),
  KV_BAD_REQUEST: row(4, false, 'not-done', error, 'The body of a request does not have its layout.'),
  KV_BAD_KEY: row(5, false, 'not-done', usage, 'A key has 1 to 65,535 bytes.'),
  KV_TOO_LARGE: row(6, false, 'not-done', usage, 'A value has at most 64 MiB.'),
  KV_VERSION: row(
    7,
    false,
    'not-done',
    error,
    'The two sides speak no common protocol version; upgrade the older one.',
  ),
  KV_WRONG_CLUSTER: row(8, false, 'not-done', error, 'The node belongs to a cluster of another name; check --cluster.'),
  KV_UNAUTHORIZED: row(9, false, 'not-done', error, 'The secret is missing or wrong; check --secret-file.'),
  KV_CONFIG_MISMATCH: row(
    10,
    false,
    'not-done',
    error,
    'Nodes were started with different --peers, --partitions or --replicas.',
  ),
  KV_RESTARTED: row(
    11,
    false,
    'not-done',
    noQuorum,
    'A node lost its memory in a restart while others still hold its former state.',
  ),
  KV_UNREACHABLE: row(12, true, 'not-done', error, 'No node answers at the given addresses.'),
  KV_NO_QUORUM: row(
    13,
    true,
    'not-done',
    noQuorum,
    'Too few replicas of the partition are in sync; nothing was written.',
  ),
  KV_AMBIGUOUS: row(
    14,
    false,
    'unknown',
    noQuorum,
    'The request may or may not have taken effect; read before trying again.',
  ),
  KV_DEADLINE: row(15, true, 'not-done', error, 'The deadline passed before the request was started.'),
  KV_ABORTED: row(16, false, 'not-done', error, 'The AbortSignal fired before the request was sent.'),
  KV_OVERLOADED: row(17, true, 'not-done', error, 'A bounded queue is full; try again later.'),
  KV_OUT_OF_MEMORY: row(
    18,
    true,
    'not-done',
    error,
    'A replica has reached --max-memory; delete keys or raise the limit.',
  ),
  KV_NOT_FOUND: row(19, false, 'not-done', notFound, 'The key does not exist.'),
  KV_CONFLICT: row(20, false, 'not-done', conflict, 'The key does not have the revision that the condition names.'),
  KV_NOT_INTEGER: row(
    21,
    false,
    'not-done',
    conflict,
    'The value is not a 64-bit decimal integer, or the sum would not be one.',
  ),
  KV_LOCK_BUSY: row(22, true, 'not-done', lock, 'Somebody else held the lock for the whole wait.'),
  KV_LOCK_LOST: row(23, false, 'unknown', lock, 'The lease of the lock ran out; somebody else may hold it now.'),
  KV_NOT_HELD: row(24, false, 'not-done', lock, 'This session does not hold the lock with this token.'),
  KV_NO_SESSION: row(
    25,
    true,
    'not-done',
    error,
    'The session is not attached to the partition; the client attaches and sends again.',
  ),
  KV_MOVED: row(26, true, 'not-done', error, 'Another node is primary of the partition; the client goes there.'),
  KV_STOPPING: row(27, true, 'not-done', error, 'The node is stopping.'),
  KV_CLOSED: row(28, false, 'not-done', error, 'The client was closed.'),
  KV_ADDRESS_IN_USE: row(
    29,
    false,
    'not-done',
    error,
    'Another process listens on the address; stop it or choose another --port.',
  ),
  KV_INTERNAL: row(30, false, 'unknown', software, 'A bug in keyval; please report it with the log line.'),
  KV_STATE: row(31, false, 'not-done', error, 'The state directory is damaged, full or cannot be written.'),
  KV_FENCED: row(
    32,
    false,
    'not-done',
    lock,
    'The lock that guards the write is not held under that token any more, or in a mode that only reads; nothing was written.',
  ),
  KV_FENCE_PARTITION: row(
    33,
    false,
    'not-done',
    usage,
    'The lock that is to guard the write lies in another partition than the key; give both the same {tag}.',
  ),
  KV_DEADLOCK: row(
    34,
    false,
    'not-done',
    lock,
    'The lock could only be had once this program lets go of what it holds; the message names who waits for whom.',
  ),
};

const byWire: (Code | undefined)[] = [];
for (const [code, info] of Object.entries(codes)) byWire[info.wire] = code as Code;

/** The code of a number on the wire; an unknown number, from a newer peer, is `KV_INTERNAL`. */
export function codeOfWire(wire: number): Code {
  return byWire[wire] ?? 'KV_INTERNAL';
}

/** One wait of a deadlock: it waits for the next one, the last for the first. */
export interface DeadlockStep {
  /** Whose wait it is: session, 32 hexadecimal digits, its name (host and process, mostly), and number of the flow in it. */
  readonly session: string;
  readonly name: string;
  readonly flow: number;
  /** What it waits for, as text: cut when it is long, U+FFFD for what is no UTF-8. */
  readonly key: string;
  /** How it wants it. */
  readonly mode: string;
  /** For how long it had waited. */
  readonly waitsMs: number;
  /** The next one does not stand in the way by what it holds, but comes before in line, or holds up somebody who does. */
  readonly isBehind: boolean;
}

export interface KeyvalErrorOptions {
  readonly cause?: unknown;
  /** Present revision of the key, with KV_CONFLICT; 0n when it is absent. */
  readonly revision?: bigint;
  /** Overrides the outcome of the code: the verdict over several attempts is the worst of them. */
  readonly outcome?: Outcome;
  /** With KV_DEADLOCK. */
  readonly cycle?: readonly DeadlockStep[] | undefined;
}

/** The one error class of keyval. Match on `code`. */
export class KeyvalError extends Error {
  override readonly name = 'KeyvalError';
  readonly code: Code;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly exitCode: number;
  readonly revision: bigint | undefined;
  /** With KV_DEADLOCK: who waits for whom, this wait first, at most 16. Undefined where one lock alone is in question. */
  readonly cycle: readonly DeadlockStep[] | undefined;

  constructor(code: Code, message: string, options: KeyvalErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const info = codes[code];
    this.code = code;
    this.retryable = info.retryable;
    this.outcome = options.outcome ?? info.outcome;
    this.exitCode = info.exitCode;
    this.revision = options.revision;
    this.cycle = options.cycle;
  }

  /** For `JSON.stringify`, which would leave the message out, and takes no bigint: the revision is text. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, outcome, retryable, exitCode, revision, cycle } = this;
    const text = revision === undefined ? undefined : `${revision}`;
    return { name, code, message, outcome, retryable, exitCode, revision: text, cycle };
  }
}
