/**
 * The kinds of values that options have. Each says how to read one from text (command line, environment), what is
 * allowed (a valibot schema, which the text goes through as well), the same as JSON Schema, and in words.
 */
import { resolve } from 'node:path';
import * as v from 'valibot';
import { parseAddress } from '../../base/address.ts';
import type { Completes } from '../shared/command-line.ts';
import { bytesOf, durationMsOf } from '../shared/values.ts';

export type Setting = string | number | boolean | readonly string[];

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Kind {
  readonly isFlag: boolean;
  /** Of several on a command line all count, not the last. */
  readonly isList: boolean;
  /** A path is relative to where it was written. */
  readonly isPath: boolean;
  /** A word in place of a path. */
  readonly noPath?: string;
  /** What a shell offers as its value. */
  readonly completes: Completes;
  /** What is allowed, in a few words; empty where the option's own line says it. */
  readonly rule: string;
  /** What a file would hold instead of this text. Whether that is allowed is for the schema to say. */
  ofText(text: string): unknown;
  /** Its messages go behind the name of the option; % stands for what was found. */
  readonly schema: v.GenericSchema<unknown, Setting>;
  readonly jsonSchema: JsonSchema;
}

/** A path becomes absolute; `folder` is where it was written. */
export function placed({ isPath, noPath }: Kind, value: Setting, folder = '.'): Setting {
  return isPath && value !== noPath ? resolve(folder, value as string) : value;
}

const plain = {
  isFlag: false,
  isList: false,
  isPath: false,
  completes: 'nothing',
  ofText: (value: string): unknown => value,
} as const;

export function text(rule: string, form: RegExp): Kind {
  const message = ` is ${rule}, not %`;
  const schema = v.pipe(v.string(message), v.regex(form, message));
  return { ...plain, rule, schema, jsonSchema: { type: 'string', pattern: form.source } };
}

/** The path of a file. */
export function path(): Kind {
  const message = ' is the path of a file, not %';
  const schema = v.pipe(v.string(message), v.minLength(1, message));
  const jsonSchema = { type: 'string', minLength: 1 };
  return { ...plain, isPath: true, completes: 'files', rule: '', schema, jsonSchema };
}

/** The path of a directory, or a word that means none. */
export function directory(noPath: string): Kind {
  const message = ` is the path of a directory, or ${noPath}, not %`;
  const schema = v.pipe(v.string(message), v.minLength(1, message));
  const jsonSchema = { type: 'string', minLength: 1 };
  return { ...plain, isPath: true, noPath, completes: 'files', rule: `a path, or ${noPath}`, schema, jsonSchema };
}

const ADDRESS_RULE = 'host, host:port or [v6]:port';
const addressSchema = addressesOf(': % is no address; write host, host:port or [v6]:port');

function addressesOf(message: string): v.GenericSchema<unknown, string> {
  return v.pipe(
    v.string(message),
    v.check((found) => parseAddress(found) !== null, message),
  );
}

/** More than this the JSON Schema does not say about addresses: their form is for the program to check. */
const addressJsonSchema: JsonSchema = { type: 'string', minLength: 1 };

export function address(): Kind {
  return { ...plain, rule: ADDRESS_RULE, schema: addressSchema, jsonSchema: addressJsonSchema };
}

/** A list, or text with commas. */
export function addresses(): Kind {
  return listOf(`${ADDRESS_RULE}, with commas`, addressSchema);
}

/** The same of texts that somebody else judges. */
export function list(rule: string): Kind {
  const message = ' has an entry that is no text, or empty: %';
  return listOf(rule, v.pipe(v.string(message), v.minLength(1, message)));
}

function listOf(rule: string, entry: v.GenericSchema<unknown, string>): Kind {
  return {
    ...plain,
    isList: true,
    rule,
    schema: v.pipe(v.unknown(), v.transform(entriesOf), v.array(entry, ' is a list, or text with commas, not %')),
    jsonSchema: { type: ['array', 'string'], items: { type: 'string', minLength: 1 }, minLength: 1 },
  };
}

function entriesOf(found: unknown): unknown {
  return typeof found === 'string' ? found.split(',') : found;
}

export function whole(least: number, most: number): Kind {
  const rule = `${least} to ${most}`;
  return number(`whole number from ${rule}`, rule, (found) => found >= least && found <= most, {
    type: 'integer',
    minimum: least,
    maximum: most,
  });
}

export function powerOfTwo(most: number): Kind {
  const powers = Array.from({ length: Math.log2(most) + 1 }, (_, power) => 2 ** power);
  const rule = `power of two from 1 to ${most}`;
  return number(rule, rule, (found) => powers.includes(found), { enum: powers });
}

function number(words: string, rule: string, allows: (found: number) => boolean, jsonSchema: JsonSchema): Kind {
  const message = ` is a ${words}, not %`;
  return {
    ...plain,
    rule,
    ofText: (found) => (/^\d+$/.test(found) ? Number(found) : found),
    schema: v.pipe(
      v.number(message),
      v.check((found) => Number.isInteger(found) && allows(found), message),
    ),
    jsonSchema,
  };
}

/** Bytes: a number, or text with a unit. */
export function size(): Kind {
  return quantity({
    words: 'number of bytes (or 512K, 64M, 1.5G)',
    rule: 'bytes, or 512K, 64M, 1.5G',
    read: bytesOf,
    least: 0,
    units: '[KMGkmg]?',
  });
}

/** Milliseconds: a number, or text with a unit. */
export function time(least: number): Kind {
  return quantity({
    words: `time in milliseconds (or 1.5s, 10m, 1h), ${least} or more`,
    rule: 'milliseconds, or 1.5s, 10m, 1h',
    read: durationMsOf,
    least,
    units: '(|ms|s|m|h)',
  });
}

interface Quantity {
  readonly words: string;
  readonly rule: string;
  readonly read: (text: string) => number | null;
  readonly least: number;
  /** The form of the units. */
  readonly units: string;
}

function quantity({ words, rule, read, least, units }: Quantity): Kind {
  const message = ` is a ${words}, not %`;
  const amount = (found: unknown): number => {
    const count = typeof found === 'string' ? read(found) : found;
    return Number.isSafeInteger(count) && (count as number) >= least ? (count as number) : Number.NaN;
  };
  return {
    ...plain,
    rule,
    schema: v.pipe(
      v.unknown(),
      v.check((found) => !Number.isNaN(amount(found)), message),
      v.transform(amount),
    ),
    jsonSchema: {
      type: ['integer', 'string'],
      minimum: least,
      maximum: Number.MAX_SAFE_INTEGER,
      pattern: `^\\d+(\\.\\d+)?${units}$`,
    },
  };
}

export function choice(choices: readonly string[]): Kind {
  const rule = choices.join(', ');
  return {
    ...plain,
    completes: choices,
    rule,
    schema: v.picklist(choices, ` is ${rule}, not %`),
    jsonSchema: { enum: choices },
  };
}

/** On or off; in the environment 1 or true, 0 or false. */
export function onOff(): Kind {
  return {
    ...plain,
    isFlag: true,
    rule: 'true or false',
    ofText: (found) => ({ 1: true, true: true, 0: false, false: false })[found] ?? found,
    schema: v.boolean(' is true or false, not %'),
    jsonSchema: { type: 'boolean' },
  };
}
