/** `keyval get KEY`. */
import type { ReadMode } from '../../client/options.ts';
import { ExitCode, KeyvalError } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { flag, valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { keyField, keyOf, keyOptions, quoted } from '../shared/key.ts';
import { bytesField, documentText, formatOf } from '../shared/output.ts';
import { print } from '../shared/streams.ts';
import { usage } from '../shared/values.ts';

const READ_MODES: readonly ReadMode[] = ['strict', 'lease', 'stale'];
const LINE_END = Buffer.from('\n');

export const get: Command = {
  name: 'get',
  operands: ['KEY'],
  summary: 'print the value of a key',
  details:
    'Prints the bytes of the value and a line end; --output json adds revision and time to live. Absent: exit code 3.',
  options: {
    ...keyOptions,
    raw: flag('print the bytes of the value and nothing else, no line end'),
    reads: valued(
      'how fresh it must be: strict, lease, or stale, which any copy answers [default: as the nodes were told]',
    ),
  },
  examples: [
    ['keyval get greeting', 'print a value'],
    ['keyval get picture --raw > picture.png', 'bytes as they were stored'],
    ['keyval get greeting --output json', 'value, revision, time to live'],
    ['keyval get greeting --reads stale --output json', 'even without its primary, and how old it may be'],
  ],
  async run({ operands: [operand = ''], values }) {
    const raw = values.flag('raw');
    const format = raw && !values.isGiven('output') ? 'table' : formatOf(values);
    if (raw && format !== 'table') throw usage('--raw prints bytes: it does not go with --output');
    const key = keyOf(operand, values);
    const reads = values.oneOf('reads', READ_MODES);
    const entry = await withClient(values, (client) => client.getEntry(key, reads === undefined ? {} : { reads }));
    if (entry === null) throw new KeyvalError('KV_NOT_FOUND', `there is no key ${quoted(operand)}`);
    const { value, revision, ttlMs, staleMs } = entry;
    const ageField = reads === 'stale' ? { staleMs: Number.isFinite(staleMs) ? staleMs : null } : {};
    const document = { ...keyField(key), ...bytesField('value', value), revision: `${revision}`, ttlMs, ...ageField };
    if (format === 'table') await print(raw ? value : Buffer.concat([value, LINE_END]));
    else await print(`${documentText(format, document)}\n`);
    return ExitCode.ok;
  },
};
