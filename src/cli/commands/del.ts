/** `keyval del KEY`. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { fenceOf, fenceOptions } from '../shared/fence.ts';
import { keyField, keyOf, keyOptions, quoted } from '../shared/key.ts';
import { formatOf, printResult } from '../shared/output.ts';

export const del: Command = {
  name: 'del',
  operands: ['KEY'],
  summary: 'delete a key',
  details: 'Absent: exit code 3. A condition that does not hold: exit code 4, a fence: 6.',
  options: { ...keyOptions, 'if-revision': valued('only when the key has this revision'), ...fenceOptions },
  examples: [['keyval del greeting', 'delete a key']],
  async run({ operands: [operand = ''], values }) {
    const format = formatOf(values);
    const key = keyOf(operand, values);
    const ifRevision = values.revision('if-revision');
    const options = { ...(ifRevision === undefined ? {} : { ifRevision }), ...fenceOf(key, values) };
    const existed = await withClient(values, (client) => client.delete(key, options));
    if (!existed) throw new KeyvalError('KV_NOT_FOUND', `there is no key ${quoted(operand)}`);
    await printResult(format, { ...keyField(key), deleted: true }, 'deleted');
    return ExitCode.ok;
  },
};
