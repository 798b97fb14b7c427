/** What each method of a client and of a lock takes, by its name. */
import { anything, bigint, flag, type Kinds, number, OptionTable } from '../base/option-table.ts';
import {
  type DeleteOptions,
  type PutOptions,
  type ReadOptions,
  type RequestOptions,
  readKinds,
  requestKinds,
  type SwapOptions,
  type WriteOptions,
} from './request-options.ts';

const changeKinds: Kinds<Omit<DeleteOptions, 'fence'>> = { ...requestKinds, ifRevision: bigint };
const storeKinds: Kinds<Omit<PutOptions, 'fence'>> = { ...changeKinds, ttlMs: number, ifAbsent: flag };
/** `guard` looks at it. */
const fence = anything;

export const get: OptionTable<ReadOptions> = new OptionTable('get', readKinds);
export const getEntry: OptionTable<ReadOptions> = new OptionTable('getEntry', readKinds);
export const put: OptionTable<PutOptions> = new OptionTable('put', { ...storeKinds, fence });
export const remove: OptionTable<DeleteOptions> = new OptionTable('delete', { ...changeKinds, fence });
export const cas: OptionTable<SwapOptions> = new OptionTable('cas', { ...requestKinds, ttlMs: number, fence });
export const incr: OptionTable<WriteOptions> = new OptionTable('incr', { ...requestKinds, fence });

function requestTable(method: string): OptionTable<RequestOptions> {
  return new OptionTable(method, requestKinds);
}

export const batch: OptionTable<RequestOptions> = requestTable('batch');
export const load: OptionTable<RequestOptions> = requestTable('load');
export const digest: OptionTable<RequestOptions> = requestTable('digest');
export const check: OptionTable<RequestOptions> = requestTable('check');
export const ping: OptionTable<RequestOptions> = requestTable('ping');
export const status: OptionTable<RequestOptions> = requestTable('status');
export const admin: OptionTable<RequestOptions> = requestTable('admin');
export const connections: OptionTable<RequestOptions> = requestTable('connections');

/** Of the key of a lock, whose token guards what is written. */
export const lockGet: OptionTable<ReadOptions> = new OptionTable('lock.get', readKinds);
export const lockPut: OptionTable<Omit<PutOptions, 'fence'>> = new OptionTable('lock.put', storeKinds);
export const lockRemove: OptionTable<Omit<DeleteOptions, 'fence'>> = new OptionTable('lock.delete', changeKinds);
