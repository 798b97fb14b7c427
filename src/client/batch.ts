/** Several requests in one call. All leave in the same turn, one write per node; each is its own request. */
import { KeyvalError } from '../errors.ts';
import type { Client, RequestOptions } from './client.ts';
import type { Fence } from './fence.ts';
import type { Key } from './key-buffer.ts';

export type BatchOperation<V> =
  | { readonly get: Key }
  | { readonly put: Key; readonly value: V; readonly ttlMs?: number; readonly fence?: Fence }
  | { readonly delete: Key; readonly fence?: Fence }
  | { readonly incr: Key; readonly by?: bigint | number; readonly fence?: Fence };

export type BatchResult<V> =
  | { readonly ok: true; readonly value?: V | bigint | null; readonly revision?: bigint; readonly found?: boolean }
  | { readonly ok: false; readonly error: KeyvalError };

export function runBatch<V>(
  client: Client<V>,
  operations: readonly BatchOperation<V>[],
  options: RequestOptions | undefined,
): Promise<BatchResult<V>[]> {
  return Promise.all(operations.map((operation) => runOne(client, operation, options)));
}

async function runOne<V>(
  client: Client<V>,
  operation: BatchOperation<V>,
  options: RequestOptions | undefined,
): Promise<BatchResult<V>> {
  try {
    if ('get' in operation) return { ok: true, value: await client.get(operation.get, options) };
    const guarded = operation.fence === undefined ? options : { ...options, fence: operation.fence };
    if ('put' in operation) {
      const ttl = operation.ttlMs === undefined ? {} : { ttlMs: operation.ttlMs };
      return { ok: true, revision: await client.put(operation.put, operation.value, { ...guarded, ...ttl }) };
    }
    if ('delete' in operation) return { ok: true, found: await client.delete(operation.delete, guarded) };
    if ('incr' in operation) return { ok: true, value: await client.incr(operation.incr, operation.by ?? 1, guarded) };
    throw new KeyvalError(
      'KV_USAGE',
      `a batch has get, put, delete and incr, not ${Object.keys(operation).join(', ')}`,
    );
  } catch (error) {
    if (error instanceof KeyvalError) return { ok: false, error };
    throw error;
  }
}
