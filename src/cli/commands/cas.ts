/** `keyval cas KEY REVISION VALUE`: compare and set. */
import type { SwapResult } from '../../client/answers.ts';
import { ExitCode, KeyvalError } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { fenceOf, fenceOptions } from '../shared/fence.ts';
import { keyField, keyOf, keyOptions, quoted } from '../shared/key.ts';
import { documentText, formatOf, printResult } from '../shared/output.ts';
import { print } from '../shared/streams.ts';
import { valueBytes, valueDetails } from '../shared/value-operand.ts';
import { revisionOf } from '../shared/values.ts';

export const cas: Command = {
  name: 'cas',
  operands: ['KEY', 'REVISION', 'VALUE'],
  summary: 'store a value only if the key has REVISION (0: is absent)',
  details: `${valueDetails} Prints the new revision. Refused: exit code 4; the message, and --output json, tell the key's revision.`,
  options: {
    ...keyOptions,
    ttl: valued('time to live in milliseconds, or 90s, 10m, 1h', 'until deleted'),
    ...fenceOptions,
  },
  examples: [
    ['keyval cas counter 0 1', 'create a key that must not exist'],
    ['keyval cas counter 7710466821836505091 2', 'change it if nobody else has'],
  ],
  async run({ operands: [operand = '', revisionText = '', text = ''], values }) {
    const format = formatOf(values);
    const key = keyOf(operand, values);
    const expected = revisionOf('REVISION', revisionText);
    const ttlMs = values.durationMs('ttl');
    const value = await valueBytes(text);
    const options = { ...(ttlMs === undefined ? {} : { ttlMs }), ...fenceOf(key, values) };
    const result = await withClient(values, (client) => client.cas(key, expected, value, options));
    const document = { ...keyField(key), ok: result.ok, revision: `${result.revision}` };
    if (!result.ok && format !== 'table') await print(`${documentText(format, document)}\n`);
    if (!result.ok) throw refused(operand, expected, result);
    await printResult(format, document, `${result.revision}`);
    return ExitCode.ok;
  },
};

function refused(operand: string, expected: bigint, { revision }: SwapResult): KeyvalError {
  const found = revision === 0n ? 'is absent' : `has revision ${revision}`;
  const wanted = expected === 0n ? 'it should be absent' : `it should have ${expected}`;
  return new KeyvalError('KV_CONFLICT', `the key ${quoted(operand)} ${found}, ${wanted}`, { revision });
}
