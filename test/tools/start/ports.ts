/** Free ports for tests that start nodes, and waiting until they are free again. */
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, planAddresses, probe } from '../../../tools/start/addresses.ts';

/** A port that is free on the loopback addresses of `nodes` nodes. The system hands out no port twice in a row. */
export async function freePort(nodes: number): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    if (port + nodes <= 65_535 && (await planAddresses(nodes, port)).taken === null) return port;
  }
}

/** Whether all can be listened on, now or within `withinMs`. */
export async function areFree(addresses: readonly Address[], withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  for (;;) {
    const found = await Promise.all(addresses.map(probe));
    if (found.every((one) => one === 'free')) return true;
    if (performance.now() > until) return false;
    await delay(20);
  }
}
