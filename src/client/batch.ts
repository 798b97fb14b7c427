/** Several requests in one call. All leave in the same turn, one write per node; each is its own request. */
import { anything, type Kinds, number, OptionTable, shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import type { Client } from './client.ts';
import type { Fence } from './fence.ts';
import type { Key } from './key-buffer.ts';
import { mustFit, type RequestOptions } from './request-options.ts';

interface Get {
  readonly get: Key;
}

interface Put<V> {
  readonly put: Key;
  readonly value: V;
  readonly ttlMs?: number;
  readonly fence?: Fence;
}

interface Delete {
  readonly delete: Key;
  readonly fence?: Fence;
}

interface Increment {
  readonly incr: Key;
  readonly by?: bigint | number;
  readonly fence?: Fence;
}

export type BatchOperation<V> = Get | Put<V> | Delete | Increment;

/** Keys, values, fences and summands are looked at by the methods that take them. */
const fenced: Kinds<Pick<Increment, 'fence'>> = { fence: anything };
const getTable: OptionTable<Get> = new OptionTable('batch, get', { get: anything });
const putTable: OptionTable<Put<unknown>> = new OptionTable('batch, put', {
  put: anything,
  value: anything,
  ttlMs: number,
  ...fenced,
});
const deleteTable: OptionTable<Delete> = new OptionTable('batch, delete', { delete: anything, ...fenced });
const incrTable: OptionTable<Increment> = new OptionTable('batch, incr', { incr: anything, by: anything, ...fenced });

export type BatchResult<V> =
  | { readonly ok: true; readonly value?: V | bigint | null; readonly revision?: bigint; readonly found?: boolean }
  | { readonly ok: false; readonly error: KeyvalError };

export function runBatch<V>(
  client: Client<V>,
  operations: readonly BatchOperation<V>[],
  options: RequestOptions | undefined,
): Promise<BatchResult<V>[]> {
  if (!Array.isArray(operations)) throw new KeyvalError('KV_USAGE', `batch takes a list, not ${shown(operations)}`);
  return Promise.all(operations.map((operation) => runOne(client, operation, options)));
}

async function runOne<V>(
  client: Client<V>,
  operation: BatchOperation<V>,
  options: RequestOptions | undefined,
): Promise<BatchResult<V>> {
  try {
    if (typeof operation !== 'object' || operation === null)
      throw new KeyvalError('KV_USAGE', `a batch has objects with get, put, delete or incr, not ${shown(operation)}`);
    if ('get' in operation) {
      mustFit(getTable, operation);
      return { ok: true, value: await client.get(operation.get, options) };
    }
    const guarded = operation.fence === undefined ? options : { ...options, fence: operation.fence };
    if ('put' in operation) {
      mustFit(putTable, operation);
      const ttl = operation.ttlMs === undefined ? {} : { ttlMs: operation.ttlMs };
      return { ok: true, revision: await client.put(operation.put, operation.value, { ...guarded, ...ttl }) };
    }
    if ('delete' in operation) {
      mustFit(deleteTable, operation);
      return { ok: true, found: await client.delete(operation.delete, guarded) };
    }
    if ('incr' in operation) {
      mustFit(incrTable, operation);
      return { ok: true, value: await client.incr(operation.incr, operation.by, guarded) };
    }
    throw new KeyvalError(
      'KV_USAGE',
      `a batch has get, put, delete and incr, not ${Object.keys(operation).join(', ')}`,
    );
  } catch (error) {
    if (error instanceof KeyvalError) return { ok: false, error };
    throw error;
  }
}
