/** How the threads of a run, and the main thread, reach the cluster. */
import { type Client, connect } from '../../src/index.ts';
import type { LoadOptions } from './options.ts';

/** Long enough for a node that is just starting, short enough for a person. */
const CONNECT_TIMEOUT_MS = 2000;

/** Lease of the locks; a history names it. */
export const LEASE_MS = 10_000;

/** @param role told apart in listings of sessions @throws KeyvalError as `connect` */
export function connectTo({ endpoints, cluster, secret }: LoadOptions, role: string): Promise<Client> {
  return connect(endpoints, {
    cluster,
    ...(secret === null ? {} : { secret }),
    name: `loadgen:${process.pid}:${role}`,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    leaseMs: LEASE_MS,
  });
}
