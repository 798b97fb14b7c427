/** Waits until one node has let the client in, or all have refused it, or time is up. */
import { KeyvalError } from '../errors.ts';
import type { Client, StatusEvent } from './client.ts';

/** @throws KeyvalError what the nodes refused with, KV_UNREACHABLE, KV_ABORTED; the client is closed then */
export async function firstConnection<V>(
  client: Client<V>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { dispatcher } = client;
  if (dispatcher.router.known) return;
  const error = await new Promise<KeyvalError | null>((resolve) => {
    const refused = new Set<string>();
    const settle = (outcome: KeyvalError | null): void => {
      timer.cancel();
      client.off('status', heard);
      signal?.removeEventListener('abort', aborted);
      resolve(outcome);
    };
    const heard = (event: StatusEvent): void => {
      if (event.state === 'connected') return settle(null);
      if (event.state !== 'refused') return;
      refused.add(event.endpoint);
      if (dispatcher.links.every((link) => refused.has(link.endpoint))) settle(event.error ?? null);
    };
    const aborted = (): void =>
      settle(new KeyvalError('KV_ABORTED', 'connecting was aborted', { cause: signal?.reason }));
    const timer = dispatcher.ports.timers.after(timeoutMs, () => settle(unreachable(client)));
    client.on('status', heard);
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted) aborted();
  });
  if (error === null) return;
  await client.close();
  throw error;
}

function unreachable<V>(client: Client<V>): KeyvalError {
  const reasons = client.dispatcher.links.map((link) => link.lastError?.message ?? `${link.endpoint}: no answer`);
  return new KeyvalError('KV_UNREACHABLE', `no node answers: ${reasons.join('; ')}. Start one with: keyval-node`);
}
