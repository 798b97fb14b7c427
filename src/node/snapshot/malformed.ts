/** What is wrong with a slice of a snapshot. */
import { KeyvalError } from '../../errors.ts';

/** @throws KeyvalError KV_BAD_FRAME unless `holds` */
export function expect(holds: boolean, text: string): asserts holds {
  if (!holds) throw new KeyvalError('KV_BAD_FRAME', `snapshot of a partition: ${text}; it has to be sent anew`);
}
