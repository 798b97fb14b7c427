/** What `connect` takes, checked and with its defaults. */
import { formatAddress, parseAddress } from '../base/address.ts';
import { bytes, type Kind, number, OptionTable, shown, signal, text, texts } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { ReadsFlag } from '../protocol/client-codec.ts';
import { bufferCodec, type Codec, jsonCodec, stringCodec } from './codecs.ts';
import { mustBeLease } from './lock-options.ts';
import { mustFit } from './request-options.ts';

/**
 * `strict`: the latest, whatever clocks do; costs a round between the nodes. `lease`: the latest, as long as clocks run
 * evenly. `stale`: what some replica holds, possibly old; any node that is connected is asked, and answers even while the
 * primary does not. `getEntry` tells how old it may be. Scans ask the primary all the same.
 */
export type ReadMode = 'strict' | 'lease' | 'stale';

export type RenewalMode = 'thread' | 'main';

export interface ConnectOptions<V = string> {
  /** How values become bytes: `string` (UTF-8, the default), `buffer`, `json`, or your own. */
  readonly codec?: 'string' | 'buffer' | 'json' | Codec<V>;
  /** Deadline of a request in milliseconds; default 5000. */
  readonly timeoutMs?: number;
  /** How long `connect` waits for the first node; default 5000. */
  readonly connectTimeoutMs?: number;
  /** Lease of the session, and so of its locks, in milliseconds: 100 to 60,000; default 10,000. Renewed at a third. */
  readonly leaseMs?: number;
  /**
   * Who renews the leases of a client that holds locks. `thread` (the default): while the main thread is busy, a worker thread
   * with connections of its own. `main`: the main thread alone; locks are lost when it is busy for a lease.
   */
  readonly renewal?: RenewalMode;
  /**
   * With `renewal: 'thread'`: a main thread that has not come round to anything for this long, in milliseconds, counts as hung,
   * and its locks as lost. Default: half the lease; 100 at least. More than the lease will do; Infinity: never.
   */
  readonly hangBudgetMs?: number;
  /** How fresh what is read must be; default: as the nodes were told (--reads). */
  readonly reads?: ReadMode;
  /** Name of the cluster; default `keyval`. */
  readonly cluster?: string;
  /** Shared secret, when the nodes have one (--secret-file). */
  readonly secret?: string | Uint8Array;
  /** Shown in listings of sessions; default: host name and process id. */
  readonly name?: string;
  /** Ends `connect`. */
  readonly signal?: AbortSignal;
}

const codec: Kind = {
  words: 'string, buffer, json, or an object with encode() and decode()',
  fits: (value) => typeof value === 'string' || isCodec(value),
};

function isCodec(value: unknown): boolean {
  const { encode, decode } = (value ?? {}) as Partial<Codec<unknown>>;
  return typeof encode === 'function' && typeof decode === 'function';
}

const connectTable: OptionTable<ConnectOptions<never>> = new OptionTable('connect', {
  codec,
  timeoutMs: number,
  connectTimeoutMs: number,
  leaseMs: number,
  renewal: text,
  hangBudgetMs: number,
  reads: text,
  cluster: text,
  secret: bytes,
  name: text,
  signal,
});

export interface ClientSettings<V> {
  readonly endpoints: readonly string[];
  readonly codec: Codec<V>;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly leaseMs: number;
  readonly renewal: RenewalMode;
  readonly hangBudgetMs: number;
  /** `ReadsFlag` of every read that does not say otherwise. */
  readonly readFlags: number;
  readonly cluster: string;
  readonly secret: Uint8Array | null;
  readonly name: string;
}

/** Less would take a few late timers for a hang. */
const HANG_BUDGET_MS_MIN = 100;

const SCHEME = 'keyval://';

/** @throws KeyvalError KV_USAGE naming the option */
export function clientSettings<V>(
  endpoints: string | readonly string[],
  options: ConnectOptions<V>,
  defaultName: string,
): ClientSettings<V> {
  mustFit(connectTable, options as ConnectOptions<never>);
  const leaseMs = mustBeLease(options.leaseMs ?? 10_000);
  return {
    endpoints: parseEndpoints(endpoints),
    codec: codecOf(options.codec),
    timeoutMs: positive('timeoutMs', options.timeoutMs ?? 5000),
    connectTimeoutMs: positive('connectTimeoutMs', options.connectTimeoutMs ?? 5000),
    leaseMs,
    renewal: renewalOf(options.renewal ?? 'thread'),
    hangBudgetMs: hangBudgetOf(options.hangBudgetMs ?? usualHangBudget(leaseMs)),
    readFlags: readFlagsOf(options.reads, ReadsFlag.byNode),
    cluster: options.cluster ?? 'keyval',
    secret: secretOf(options.secret),
    name: options.name ?? defaultName,
  };
}

/** `keyval://host,host:port`, or a list of hosts; as `host:port`, each once. @throws KeyvalError KV_USAGE */
export function parseEndpoints(endpoints: string | readonly string[]): string[] {
  if (typeof endpoints !== 'string' && !texts.fits(endpoints))
    throw new KeyvalError('KV_USAGE', `endpoints are a string or a list of strings, not ${shown(endpoints)}`);
  const given = typeof endpoints === 'string' ? endpoints.replace(SCHEME, '').replace(/\/$/, '').split(',') : endpoints;
  if (given.length === 0) throw new KeyvalError('KV_USAGE', 'no endpoint is given; write host, host:port or [v6]:port');
  const parsed = given.map((text) => {
    const address = parseAddress(text.startsWith(SCHEME) ? text.slice(SCHEME.length) : text);
    if (address === null || address.port === 0) {
      throw new KeyvalError('KV_USAGE', `'${text}' is no endpoint; write host, host:port or [v6]:port`);
    }
    return formatAddress(address);
  });
  return [...new Set(parsed)];
}

function codecOf<V>(codec: ConnectOptions<V>['codec']): Codec<V> {
  if (typeof codec === 'object') return codec;
  const named = { string: stringCodec, buffer: bufferCodec, json: jsonCodec };
  const name = codec ?? 'string';
  if (!Object.hasOwn(named, name))
    throw new KeyvalError('KV_USAGE', `there is no codec '${name}'; use string, buffer or json`);
  return named[name] as Codec<unknown> as Codec<V>;
}

/** @throws KeyvalError KV_USAGE */
export function readFlagsOf(reads: ReadMode | undefined, otherwise: number): number {
  switch (reads) {
    case undefined:
      return otherwise;
    case 'strict':
    case 'lease':
    case 'stale':
      return ReadsFlag[reads];
    default:
      throw new KeyvalError('KV_USAGE', `there are no reads '${reads}'; use strict, lease or stale`);
  }
}

function renewalOf(renewal: RenewalMode): RenewalMode {
  if (renewal === 'thread' || renewal === 'main') return renewal;
  throw new KeyvalError('KV_USAGE', `there is no renewal '${renewal}'; use thread or main`);
}

function usualHangBudget(leaseMs: number): number {
  return Math.max(leaseMs / 2, HANG_BUDGET_MS_MIN);
}

/** The same for another lease: what follows from the lease follows. */
export function withLease<V>(settings: ClientSettings<V>, leaseMs: number): ClientSettings<V> {
  const isUsual = settings.hangBudgetMs === usualHangBudget(settings.leaseMs);
  return { ...settings, leaseMs, hangBudgetMs: isUsual ? usualHangBudget(leaseMs) : settings.hangBudgetMs };
}

function hangBudgetOf(budgetMs: number): number {
  if (typeof budgetMs === 'number' && budgetMs >= HANG_BUDGET_MS_MIN) return budgetMs;
  throw new KeyvalError('KV_USAGE', `hangBudgetMs is ${HANG_BUDGET_MS_MIN} or more, not ${budgetMs}`);
}

function positive(name: string, value: number): number {
  if (typeof value !== 'number' || !(value > 0))
    throw new KeyvalError('KV_USAGE', `${name} must be above 0, not ${value}`);
  return value;
}

function secretOf(secret: string | Uint8Array | undefined): Uint8Array | null {
  if (secret === undefined) return null;
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret;
  if (bytes.length === 0) throw new KeyvalError('KV_USAGE', 'the secret is empty');
  return bytes;
}
