/** `keyval put KEY VALUE`. */
import type { PutOptions } from '../../client/request-options.ts';
import { ExitCode } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { flag, valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { fenceOf, fenceOptions } from '../shared/fence.ts';
import { keyField, keyOf, keyOptions } from '../shared/key.ts';
import { formatOf, printResult } from '../shared/output.ts';
import { valueBytes, valueDetails } from '../shared/value-operand.ts';
import { usage, type Values } from '../shared/values.ts';

export const put: Command = {
  name: 'put',
  operands: ['KEY', 'VALUE'],
  summary: 'store a value; print its revision',
  details: `${valueDetails} A condition that does not hold: exit code 4, a fence: 6.`,
  options: {
    ...keyOptions,
    ttl: valued('time to live in milliseconds, or 90s, 10m, 1h', 'until deleted'),
    'if-absent': flag('only when the key is absent'),
    'if-revision': valued('only when the key has this revision; 0: is absent'),
    ...fenceOptions,
  },
  examples: [
    ['keyval put greeting hello', 'store text'],
    ['keyval put picture - < picture.png', 'store the bytes of a file'],
    ['keyval put seat-7 anna --if-absent --ttl 10m', 'take a seat for ten minutes'],
    ['keyval put note -- -5', 'a value that begins with a dash'],
    ['keyval put {job}.at 17 --fence $KEYVAL_FENCE --lock-key {job}', 'under keyval lock {job}: only while it is held'],
  ],
  async run({ operands: [operand = '', text = ''], values }) {
    const format = formatOf(values);
    const key = keyOf(operand, values);
    const options = { ...conditionsOf(values), ...fenceOf(key, values) };
    const value = await valueBytes(text);
    const revision = await withClient(values, (client) => client.put(key, value, options));
    await printResult(format, { ...keyField(key), revision: `${revision}` }, `${revision}`);
    return ExitCode.ok;
  },
};

function conditionsOf(values: Values): PutOptions {
  const ttlMs = values.durationMs('ttl');
  const ifRevision = values.revision('if-revision');
  const ifAbsent = values.flag('if-absent');
  if (ifAbsent && ifRevision !== undefined) throw usage('--if-absent and --if-revision contradict each other');
  return {
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(ifRevision === undefined ? {} : { ifRevision }),
    ...(ifAbsent ? { ifAbsent } : {}),
  };
}
