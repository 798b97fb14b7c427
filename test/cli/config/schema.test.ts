/** The valibot schema and the JSON Schema of a file, both from the table of options, allow the same. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import * as v from 'valibot';
import { type ConfigOption, readmeRow } from '../../../src/cli/config/option.ts';
import { fileSchema, jsonSchemaOf } from '../../../src/cli/config/schema.ts';
import { nodeOptionTable } from '../../../src/cli/node/node-option-table.ts';
import { clientOptionTable } from '../../../src/cli/shared/client-option-table.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly items?: Schema;
  readonly description?: string;
  readonly default?: unknown;
}

const keywords = ['type', 'enum', 'minimum', 'maximum', 'pattern', 'minLength', 'items', 'description', 'default'];

function typesOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (Number.isInteger(value)) return ['integer', 'number'];
  return [typeof value];
}

/** Draft 2020-12, the part of it that is used. */
function allows(schema: Schema, value: unknown): boolean {
  const { type, minimum = -Infinity, maximum = Infinity, pattern = '', minLength = 0, items } = schema;
  if (type !== undefined && !typesOf(value).some((one) => [type].flat().includes(one))) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (typeof value === 'number') return value >= minimum && value <= maximum;
  if (typeof value === 'string') return new RegExp(pattern).test(value) && [...value].length >= minLength;
  return !Array.isArray(value) || items === undefined || value.every((entry) => allows(items, entry));
}

/** Values of every kind, at the edges of what the options allow. */
const values: readonly unknown[] = [
  ...[null, true, false, {}, [], [[]], ['a'], ['a', 'b:1'], ['a', 1], [''], [null]],
  ...[-1, 0, 1, 1.5, 2, 3, 7, 8, 64, 65, 256, 16_384, 16_385, 32_768, 65_535, 65_536, 1_000_000, 1_000_001],
  ...[Number.MAX_SAFE_INTEGER, 2 ** 53, 1e300],
  ...['', 'a', 'a.b', 'a,b', 'x'.repeat(64), 'x'.repeat(65), 'true', 'info', 'silent', 'loud', 'table', 'json', 'xml'],
  ...['1', '4G', '4g', '512K', '1.5M', '1T', '4X', '-1', '10ms', '1.5s', '1h', '1d'],
];

/** The form of an address is for the program to check. */
const noAddresses: readonly unknown[] = ['1', '-1', 'a,b'];
const ofAddresses: readonly string[] = ['peers', 'listen', 'advertise'];

for (const [program, options] of [
  ['keyval-node', nodeOptionTable],
  ['keyval', clientOptionTable],
] as const) {
  const properties = jsonSchemaOf(program, options).properties as Readonly<Record<string, Schema>>;
  for (const option of options) {
    const schema = properties[option.name] as Schema;
    test(`${program} ${option.name}: the two schemas allow the same`, (t) => {
      t.deepEqual(
        Object.keys(schema).filter((keyword) => !keywords.includes(keyword)),
        [],
      );
      for (const value of values) {
        if (ofAddresses.includes(option.name) && noAddresses.includes(value)) continue;
        const { success } = v.safeParse(fileSchema(options), { [option.name]: value });
        t.is(allows(schema, value), success, JSON.stringify(value));
      }
      t.true(allows(schema, option.standard), 'its own default');
      t.is(schema.default, option.standard);
    });
  }

  test(`${program}: the members are those of the table and the notes`, (t) => {
    const { additionalProperties } = jsonSchemaOf(program, options);
    t.false(additionalProperties);
    t.deepEqual(Object.keys(properties), ['$schema', '$from', ...options.map(({ name }) => name)]);
  });
}

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
const table = /<!-- options: begin.*?-->(.*?)<!-- options: end -->/s.exec(readme)?.[1];

(table === undefined ? test.skip : test)("the README's table of options is that of the code", (t) => {
  const rows = (table ?? '').split('\n').filter((line) => line.startsWith('| `'));
  t.deepEqual(rows, (nodeOptionTable as readonly ConfigOption[]).map(readmeRow));
});
