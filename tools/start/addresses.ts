/**
 * Where the nodes listen: every node on its own loopback address and all on one port, as on machines of their own. Where
 * the system has only 127.0.0.1 (macOS, unless aliases are set up), on that with one port each.
 */
import { createServer } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The outcome of a try to listen; anything but these two is thrown. */
type Probe = 'free' | 'in-use' | 'no-such-address';

export interface Plan {
  readonly addresses: readonly Address[];
  /** The first address that another process listens on. */
  readonly taken: Address | null;
}

/** Plans `nodes` addresses from `port` on and looks whether they are free. */
export async function planAddresses(nodes: number, port: number): Promise<Plan> {
  const own = range(nodes).map((i) => ({ host: `127.0.0.${i + 1}`, port }));
  const last = own.at(-1);
  const isMissing = last !== undefined && (await probe(last)) === 'no-such-address';
  const addresses = isMissing ? range(nodes).map((i) => ({ host: '127.0.0.1', port: port + i })) : own;
  return { addresses, taken: await firstTaken(addresses) };
}

/** The next port, counted from `port` on, from which `nodes` nodes find all their addresses free; null if none is near. */
export async function nextFreePort(nodes: number, port: number): Promise<number | null> {
  const triesMax = 100;
  const highest = 65_535 - nodes;
  for (let next = port + 1; next <= Math.min(port + triesMax, highest); next++) {
    if ((await planAddresses(nodes, next)).taken === null) return next;
  }
  return null;
}

export function format({ host, port }: Address): string {
  return `${host}:${port}`;
}

async function firstTaken(addresses: readonly Address[]): Promise<Address | null> {
  for (const address of addresses) if ((await probe(address)) === 'in-use') return address;
  return null;
}

/** Listens and closes again. */
export async function probe({ host, port }: Address): Promise<Probe> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return 'free';
  } catch (error) {
    return probeOfError(error as NodeJS.ErrnoException);
  }
}

function probeOfError(error: NodeJS.ErrnoException): Probe {
  if (error.code === 'EADDRINUSE') return 'in-use';
  if (error.code === 'EADDRNOTAVAIL') return 'no-such-address';
  throw error;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
