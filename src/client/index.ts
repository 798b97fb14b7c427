/** `connect`: a client over real sockets. */
import { hostname } from 'node:os';
import { Turn } from '../base/turn.ts';
import { KeyvalError } from '../errors.ts';
import { systemClock, systemTimers, threadOriginMs } from '../io/clock.ts';
import { systemCrypto, systemRandom } from '../io/random.ts';
import { tcpTransport } from '../io/tcp-transport.ts';
import { Client } from './client.ts';
import { firstConnection } from './first-connection.ts';
import type { ClientPorts } from './node-link.ts';
import { type ConnectOptions, clientSettings } from './options.ts';
import { RenewalThread } from './renewal/thread.ts';

/**
 * Connects to a cluster through any of its nodes: `keyval://host,host:port` or a list of endpoints.
 * @throws KeyvalError KV_UNREACHABLE, KV_UNAUTHORIZED, KV_WRONG_CLUSTER, KV_USAGE
 */
export async function connect(
  endpoints: string | readonly string[],
  options?: ConnectOptions<string> & { readonly codec?: 'string' },
): Promise<Client<string>>;
export async function connect(
  endpoints: string | readonly string[],
  options: ConnectOptions<Uint8Array> & { readonly codec: 'buffer' },
): Promise<Client<Uint8Array>>;
export async function connect<V = unknown>(
  endpoints: string | readonly string[],
  options: ConnectOptions<V>,
): Promise<Client<V>>;
export async function connect<V>(
  endpoints: string | readonly string[],
  options: ConnectOptions<V> = {},
): Promise<Client<V>> {
  const settings = clientSettings(endpoints, options, `${hostname()}:${process.pid}`);
  if (options.signal?.aborted)
    throw new KeyvalError('KV_ABORTED', 'aborted before connecting', { cause: options.signal.reason });
  const client = new Client<V>(settings, systemPorts());
  await firstConnection(client, settings.connectTimeoutMs, options.signal);
  return client;
}

/** A turn with this many requests is busy: answers that set more going are about to arrive. */
const BUSY_TURN = 4;

/** For all clients of this thread. */
const renewal: RenewalThread = new RenewalThread(threadOriginMs());

/** Real clock, timers, randomness and sockets. */
export function systemPorts(): ClientPorts {
  return {
    transport: tcpTransport,
    timers: systemTimers,
    clock: systemClock,
    random: systemRandom,
    crypto: systemCrypto,
    turn: new Turn(systemTimers.atTurnEnd, { soon: systemTimers.soon, busyAt: BUSY_TURN }),
    renewal,
  };
}
