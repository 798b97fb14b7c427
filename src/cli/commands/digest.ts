/** `keyval digest`: SHA-256 of a value, without fetching it. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { withClient } from '../shared/connection.ts';
import { keyField, keyOf, keyOptions, quoted } from '../shared/key.ts';
import { formatOf, printResult } from '../shared/output.ts';

export const digest: Command = {
  name: 'digest',
  operands: ['KEY'],
  summary: 'print the SHA-256 of a value, made by its node',
  details: 'Exit code 3 when the key does not exist. The value itself is not sent.',
  options: keyOptions,
  examples: [
    ['keyval digest film', 'to compare with: sha256sum film.mp4'],
    ['keyval digest film --output json', 'with length and revision'],
  ],
  async run({ operands: [operand = ''], values }) {
    const format = formatOf(values);
    const key = keyOf(operand, values);
    const found = await withClient(values, (client) => client.digest(key));
    if (found === null) throw new KeyvalError('KV_NOT_FOUND', `the key ${quoted(operand)} does not exist`);
    const { sha256, length, revision } = found;
    await printResult(format, { ...keyField(key), sha256, bytes: length, revision: `${revision}` }, sha256);
    return ExitCode.ok;
  },
};
