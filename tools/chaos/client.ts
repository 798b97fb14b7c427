/** A client that calls from an address of its own. */
import { Client } from '../../src/client/client.ts';
import { firstConnection } from '../../src/client/first-connection.ts';
import { systemPorts } from '../../src/client/index.ts';
import { clientSettings } from '../../src/client/options.ts';
import { tcpTransportOf } from '../../src/io/tcp-transport.ts';

/** Longest wait for the first node. */
const CONNECT_TIMEOUT_MS = 30_000;

/** Lease of the sessions and so of the locks; histories name it. */
export const LEASE_MS = 10_000;
/** The deadline of a request. */
export const DEADLINE_MS = 5000;

/** @throws KeyvalError as `connect` */
export async function connectFrom(
  host: string,
  endpoints: readonly string[],
  name: string,
  leaseMs: number = LEASE_MS,
): Promise<Client> {
  const renewal = 'main' as const; // the thread would call from another address, past the faults
  const options = { leaseMs, timeoutMs: DEADLINE_MS, connectTimeoutMs: CONNECT_TIMEOUT_MS, name, renewal };
  const settings = clientSettings<string>(endpoints, options, name);
  const client = new Client<string>(settings, { ...systemPorts(), transport: tcpTransportOf(host) });
  await firstConnection(client, settings.connectTimeoutMs, undefined);
  return client;
}
