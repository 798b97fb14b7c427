/** `keyval incr KEY`. */
import { ExitCode } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { fenceOf, fenceOptions } from '../shared/fence.ts';
import { keyField, keyOf, keyOptions } from '../shared/key.ts';
import { formatOf, printResult } from '../shared/output.ts';

export const incr: Command = {
  name: 'incr',
  operands: ['KEY'],
  summary: 'add to a 64-bit integer; print the sum',
  details: 'An absent key counts as 0. A value that is no integer: exit code 4; a fence that does not hold: 6.',
  options: { ...keyOptions, by: valued('what to add; may be negative', '1'), ...fenceOptions },
  examples: [
    ['keyval incr visits', 'count one'],
    ['keyval incr stock --by -3', 'take three away'],
  ],
  async run({ operands: [operand = ''], values }) {
    const format = formatOf(values);
    const key = keyOf(operand, values);
    const by = values.integer('by') ?? 1n;
    const fence = fenceOf(key, values);
    const sum = await withClient(values, (client) => client.incr(key, by, fence));
    await printResult(format, { ...keyField(key), value: `${sum}` }, `${sum}`);
    return ExitCode.ok;
  },
};
