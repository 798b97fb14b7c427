/** Conditions on the revision of a key, as a write carries them. */
import { shown } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import { WriteFlag } from '../protocol/client-codec.ts';
import type { Operation } from './operation.ts';

/** The write counts only if the key has `revision`; 0n: if it is absent. @throws KeyvalError KV_USAGE */
export function requireRevision(operation: Operation, revision: bigint): void {
  if (typeof revision !== 'bigint' || BigInt.asUintN(64, revision) !== revision) {
    throw new KeyvalError('KV_USAGE', `a revision is a 64-bit bigint, not ${shown(revision)}`);
  }
  operation.flags |= WriteFlag.ifRevision;
  operation.epoch = Number(revision >> 32n);
  operation.operation = Number(revision & 0xffff_ffffn);
}
