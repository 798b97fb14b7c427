/** What a configuration file may hold, from the table of options: as a valibot schema and as JSON Schema. */
import * as v from 'valibot';
import type { JsonSchema, Setting } from './kinds.ts';
import type { ConfigOption } from './option.ts';

/** Members that are no options: for editors, and what --print-config says about where each value came from. */
export const NOTES: readonly string[] = ['$schema', '$from'];

export type FileSchema = v.GenericSchema<unknown, Readonly<Record<string, Setting | null | undefined>>>;

/** Of the members that it knows; which others stand there is for `unknownMembers` to say. */
export function fileSchema(options: readonly ConfigOption[]): FileSchema {
  const members = options.map(({ name, kind, standard }) => {
    const schema = standard === null ? v.nullable(kind.schema) : kind.schema;
    return [name, v.optional(schema)] as const;
  });
  return v.object(Object.fromEntries(members)) as unknown as FileSchema;
}

export function unknownMembers(document: object, options: readonly ConfigOption[]): string[] {
  const known = new Set([...options.map(({ name }) => name), ...NOTES]);
  return Object.keys(document).filter((name) => !known.has(name));
}

/** For editors, and for whoever checks files elsewhere. */
export function jsonSchemaOf(program: string, options: readonly ConfigOption[]): JsonSchema {
  const members = options.map((option) => [option.name, memberSchema(option)] as const);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `Configuration of ${program}`,
    type: 'object',
    properties: { $schema: { type: 'string' }, $from: { type: 'object' }, ...Object.fromEntries(members) },
    additionalProperties: false,
  };
}

function memberSchema({ kind, describe, standard }: ConfigOption): JsonSchema {
  if (standard !== null) return { description: describe, default: standard, ...kind.jsonSchema };
  const { type, ...rest } = kind.jsonSchema;
  const choices = rest.enum as readonly unknown[] | undefined;
  if (choices !== undefined) return { description: describe, default: null, ...rest, enum: [...choices, null] };
  return { description: describe, default: null, ...rest, type: [type, 'null'].flat() };
}
