/** How the commands of `keyval` reach the cluster: the options they share, and a client for as long as a command runs. */
import type { Client } from '../../client/client.ts';
import { connect } from '../../client/index.ts';
import type { ConnectOptions } from '../../client/options.ts';
import { readSecretFile } from '../../io/files.ts';
import { type OptionTable, valued } from './command-line.ts';
import { environment } from './environment.ts';
import type { Values } from './values.ts';

const DEFAULT_ENDPOINTS = '127.0.0.1:6234';

/** Without --timeout: long enough for a node that is just starting, short enough for a person. */
const CONNECT_TIMEOUT_MS = 2000;

export const connectionOptions: OptionTable = {
  endpoints: valued('nodes to ask, with commas: host, host:port, [v6]:port', DEFAULT_ENDPOINTS),
  timeout: valued('milliseconds for the connection and for each request', '2000 and 5000'),
  cluster: valued('name of the cluster', 'keyval'),
  'secret-file': valued('file with the secret of the cluster'),
};

/** Values are bytes: a command line hands them on as they are. */
export type BytesClient = Client<Uint8Array>;

type Extras = Pick<ConnectOptions<Uint8Array>, 'leaseMs' | 'signal'>;

/** A client as the options say; close it. @throws KeyvalError KV_UNREACHABLE, KV_UNAUTHORIZED, KV_WRONG_CLUSTER, KV_USAGE */
export async function openClient(values: Values, extras: Extras = {}): Promise<BytesClient> {
  const endpoints = values.list('endpoints') ?? environment('endpoints')?.split(',') ?? [DEFAULT_ENDPOINTS];
  const timeoutMs = values.durationMs('timeout');
  const cluster = values.text('cluster') ?? environment('cluster');
  const secretFile = values.text('secret-file') ?? environment('secretFile');
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
