/** A client that holds a lock and hears of nothing any more. */
import type { Lock } from '../../src/index.ts';
import { connectFrom } from './client.ts';
import type { Scene } from './scene.ts';

const WAIT_MS_MAX = 120_000;

/**
 * A lock whose holder is cut off before the nodes die, so that it believes in its lease to the end: nobody else may be
 * granted the lock before that.
 */
export interface Holder extends AsyncDisposable {
  readonly lock: Lock;
}

/** Takes the lock, and cuts the client off. */
export async function cutOffHolder({ hosts, relays }: Scene, key: string): Promise<Holder> {
  const host = hosts.clients[0] as string;
  const endpoints = hosts.nodes.map(({ address }) => address);
  const client = await connectFrom(host, endpoints, 'chaos holder');
  const lock = await client.lock(key, { waitMs: WAIT_MS_MAX });
  const nodes = hosts.nodes.map((node) => node.host);
  await relays.between(host, nodes, { cut: 'hold' });
  return {
    lock,
    [Symbol.asyncDispose]: async () => {
      await relays.heal();
      await client.close();
    },
  };
}
