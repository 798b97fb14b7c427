/** The lock that guards a write of the command line (L9): `--fence TOKEN`, of the key's own lock or of that of `--lock-key`. */
import type { Fence } from '../../client/fence.ts';
import type { Key } from '../../client/key-buffer.ts';
import { type OptionTable, valued } from './command-line.ts';
import { usage, type Values } from './values.ts';

export const fenceOptions: OptionTable = {
  fence: valued('only while the lock is held under this token, which keyval lock passes on in KEYVAL_FENCE'),
  'lock-key': valued('with --fence: the key of that lock', 'KEY'),
};

/** @throws KeyvalError KV_USAGE */
export function fenceOf(key: Key, values: Values): { readonly fence?: Fence } {
  const token = values.revision('fence');
  const lockKey = values.text('lock-key');
  if (token === undefined && lockKey !== undefined) throw usage('--lock-key says whose token --fence is: give both');
  return token === undefined ? {} : { fence: { key: lockKey ?? key, token } };
}
