/** What `lock`, `tryLock`, `withLock` and `convert` take, checked and with its defaults. */
import { LockMode } from '../base/lock-mode.ts';
import { anything, flag, type Kinds, number, OptionTable, shown, text } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { LEASE_MS_MAX, LEASE_MS_MIN, LOCK_DELAY_MS_MAX } from '../protocol/limits.ts';
import { LABEL_BYTES_MAX } from '../protocol/lock-request.ts';
import { type RequestOptions, requestKinds } from './request-options.ts';

const modes: {
  readonly exclusive: number;
  readonly 'protected-write': number;
  readonly 'protected-read': number;
  readonly read: number;
  readonly 'concurrent-write': number;
  readonly 'concurrent-read': number;
  readonly null: number;
} = {
  exclusive: LockMode.exclusive,
  'protected-write': LockMode.protectedWrite,
  'protected-read': LockMode.protectedRead,
  read: LockMode.protectedRead,
  'concurrent-write': LockMode.concurrentWrite,
  'concurrent-read': LockMode.concurrentRead,
  null: LockMode.null,
};

/**
 * How a lock is held (L7). `exclusive`: by one alone. `protected-read`, of which `read` is another name: by many, and nobody writes.
 * `protected-write`: by one who writes, beside `concurrent-read`. `concurrent-write`: by many who write and know how.
 * `null`: a place in line, to be converted.
 */
export type LockModeName = keyof typeof modes;

/** A mode as locks and listings say it: `read` is said as `protected-read`, which it is. */
export type FullLockModeName = Exclude<LockModeName, 'read'>;

export const MODE_NAMES = Object.keys(modes) as readonly LockModeName[];

/** The name of a mode by its number. */
export function modeName(mode: number): FullLockModeName {
  return MODE_NAMES.find((name) => modes[name] === mode && name !== 'read') as FullLockModeName;
}

/** @throws KeyvalError KV_USAGE */
export function modeOf(name: LockModeName): number {
  if (typeof name === 'string' && Object.hasOwn(modes, name)) return modes[name];
  if (name === null) throw new KeyvalError('KV_USAGE', "mode is null: the lock mode of that name is the string 'null'");
  throw new KeyvalError('KV_USAGE', `there is no lock mode ${shown(name)}; use ${MODE_NAMES.join(', ')}`);
}

export interface ConvertOptions extends RequestOptions {
  /** Longest wait for the other holders, milliseconds. 0: try once. Default: until granted, or until `signal` aborts. */
  readonly waitMs?: number;
  /** Bring the value of the key along, as `lock.value` and `lock.revision`; default true. */
  readonly fetch?: boolean;
}

export interface LockOptions extends ConvertOptions {
  /** Default `exclusive`. */
  readonly mode?: LockModeName;
  /** Lease of the lock's session in milliseconds, 100 to 60,000; default: the client's. There is one session for each value. */
  readonly leaseMs?: number;
  /**
   * False: the lock ends with its lease, unless `lock.extend()` is called. Default true. Who runs under a lock that is not renewed,
   * and asks for it again, says so as well (KV_USAGE).
   */
  readonly renew?: boolean;
  /** Lock-delay (L13): when the holder is lost, the key stays locked this long on top, milliseconds up to 3,600,000; default 0. */
  readonly delayMs?: number;
  /** Shown in listings of locks: what it is for. At most 255 bytes. */
  readonly label?: string;
}

const convertKinds: Kinds<ConvertOptions> = { ...requestKinds, waitMs: number, fetch: flag };
/** `modeOf` looks at `mode`. */
const takeKinds: Kinds<Omit<LockOptions, keyof ConvertOptions>> = {
  mode: anything,
  leaseMs: number,
  renew: flag,
  delayMs: number,
  label: text,
};
const lockKinds: Kinds<LockOptions> = { ...takeKinds, ...convertKinds };
const { waitMs: _, ...tryLockKinds } = lockKinds;

export const lockTable: OptionTable<LockOptions> = new OptionTable('lock', lockKinds);
export const withLockTable: OptionTable<LockOptions> = new OptionTable('withLock', lockKinds);
export const tryLockTable: OptionTable<Omit<LockOptions, 'waitMs'>> = new OptionTable('tryLock', tryLockKinds);
export const convertTable: OptionTable<ConvertOptions> = new OptionTable('convert', convertKinds);

export interface WaitSettings {
  /** 0: try once. Infinity: until it is granted or `signal` aborts. */
  readonly waitMs: number;
  /** How long to go on trying while the cluster cannot take the request. */
  readonly timeoutMs: number;
  /** The value of the key is to come with the grant (L8). */
  readonly fetch: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface LockSettings extends WaitSettings {
  readonly mode: number;
  readonly leaseMs: number;
  readonly renew: boolean;
  readonly delayMs: number;
  readonly label: string;
}

interface Defaults {
  readonly timeoutMs: number;
  readonly leaseMs: number;
}

/** @throws KeyvalError KV_USAGE naming the option */
export function waitSettings(options: ConvertOptions, defaults: Defaults): WaitSettings {
  const { waitMs = Number.POSITIVE_INFINITY, timeoutMs = defaults.timeoutMs, fetch = true, signal } = options;
  if (!(waitMs >= 0)) throw new KeyvalError('KV_USAGE', `waitMs must be 0 or more, not ${waitMs}`);
  if (!(timeoutMs > 0)) throw new KeyvalError('KV_USAGE', `timeoutMs must be above 0, not ${timeoutMs}`);
  return { waitMs, timeoutMs, fetch, signal };
}

/** @throws KeyvalError KV_USAGE naming the option */
export function lockSettings(options: LockOptions, defaults: Defaults): LockSettings {
  const { mode = 'exclusive', leaseMs = defaults.leaseMs, renew = true, delayMs = 0, label = '' } = options;
  if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > LOCK_DELAY_MS_MAX)
    throw new KeyvalError('KV_USAGE', `delayMs is a whole number from 0 to ${LOCK_DELAY_MS_MAX}, not ${delayMs}`);
  if (typeof label !== 'string' || Buffer.byteLength(label) > LABEL_BYTES_MAX)
    throw new KeyvalError('KV_USAGE', `label is a text of at most ${LABEL_BYTES_MAX} bytes`);
  return {
    ...waitSettings(options, defaults),
    mode: modeOf(mode),
    leaseMs: mustBeLease(leaseMs),
    renew,
    delayMs,
    label,
  };
}

/** @throws KeyvalError KV_USAGE */
export function mustBeLease(leaseMs: number): number {
  if (Number.isInteger(leaseMs) && leaseMs >= LEASE_MS_MIN && leaseMs <= LEASE_MS_MAX) return leaseMs;
  throw new KeyvalError(
    'KV_USAGE',
    `leaseMs is a whole number from ${LEASE_MS_MIN} to ${LEASE_MS_MAX}, not ${leaseMs}`,
  );
}
