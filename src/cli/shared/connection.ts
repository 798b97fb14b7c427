/** How the commands of `keyval` reach the cluster: a client for as long as a command runs. */
import type { Client } from '../../client/client.ts';
import { connect } from '../../client/index.ts';
import type { ConnectOptions } from '../../client/options.ts';
import { readSecretFile } from '../../io/files.ts';
import { DEFAULT_ENDPOINT } from './client-option-table.ts';
import type { Values } from './values.ts';

/** Without --timeout: long enough for a node that is just starting, short enough for a person. */
const CONNECT_TIMEOUT_MS = 2000;

/** Values are bytes: a command line hands them on as they are. */
export type BytesClient = Client<Uint8Array>;

type Extras = Pick<ConnectOptions<Uint8Array>, 'leaseMs' | 'signal'>;

/** A client as the options say; close it. @throws KeyvalError KV_UNREACHABLE, KV_UNAUTHORIZED, KV_WRONG_CLUSTER, KV_USAGE */
export async function openClient(values: Values, extras: Extras = {}): Promise<BytesClient> {
  const endpoints = values.list('endpoints') ?? [DEFAULT_ENDPOINT];
  const timeoutMs = values.durationMs('timeout');
  const cluster = values.text('cluster');
  const secretFile = values.text('secret-file');
  return connect(endpoints, {
    codec: 'buffer',
    connectTimeoutMs: timeoutMs ?? CONNECT_TIMEOUT_MS,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(cluster === undefined ? {} : { cluster }),
    ...(secretFile === undefined ? {} : { secret: await readSecretFile(secretFile) }),
    ...extras,
  });
}

/** Runs `body` with a client and closes it, whatever happens. */
export async function withClient<T>(values: Values, body: (client: BytesClient) => Promise<T>): Promise<T> {
  await using client = await openClient(values);
  return await body(client);
}
