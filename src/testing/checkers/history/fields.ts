/**
 * Reads the fields of one JSON line and says what is wrong with them. Everything that is not as the format says ends the
 * reading: a judge that skips what it does not understand acquits by ignorance.
 */

import { toDecimal } from './decimal.ts';
import type { Value } from './operation.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with a line; the reader adds file and line. */
export class LineError extends Error {
  override readonly name = 'LineError';
}

export function asFields(json: unknown, what: string): Fields {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Fields;
  throw new LineError(`${what} must be an object`);
}

export function textField(fields: Fields, name: string): string {
  const field = fields[name];
  if (typeof field === 'string') return field;
  throw wrong(fields, name, 'a string');
}

/** A string, or null for absence. */
export function valueField(fields: Fields, name: string): Value {
  const field = fields[name];
  if (typeof field === 'string' || field === null) return field;
  throw wrong(fields, name, 'a string or null');
}

export function flagField(fields: Fields, name: string): boolean {
  const field = fields[name];
  if (typeof field === 'boolean') return field;
  throw wrong(fields, name, 'true or false');
}

/** A whole number whose every bit a double holds. */
export function integerField(fields: Fields, name: string): number {
  const field = fields[name];
  if (Number.isSafeInteger(field)) return field as number;
  throw wrong(fields, name, 'a whole number below 2^53');
}

/** A length of time in ns, from 0 on. */
export function durationField(fields: Fields, name: string): number {
  const field = fields[name];
  if (typeof field === 'number' && Number.isFinite(field) && field >= 0) return field;
  throw wrong(fields, name, 'a number of nanoseconds, 0 or more');
}

/** A version or token: a whole number from 0 on, or its decimal digits. */
export function decimalField(fields: Fields, name: string): string {
  const digits = toDecimal(fields[name]);
  if (digits !== undefined) return digits;
  throw wrong(fields, name, 'a whole number below 2^53, or a string of decimal digits');
}

/** A whole number with sign, as JSON number or digits; returned as canonical digits. */
export function signedField(fields: Fields, name: string): string {
  const field = fields[name];
  const text = typeof field === 'number' && Number.isSafeInteger(field) ? String(field) : field;
  if (typeof text === 'string' && /^-?[0-9]{1,20}$/.test(text)) return String(BigInt(text));
  throw wrong(fields, name, 'a whole number or a string of decimal digits');
}

export function listField(fields: Fields, name: string): readonly string[] {
  const field = fields[name];
  if (Array.isArray(field) && field.every((element) => typeof element === 'string')) return field as string[];
  throw wrong(fields, name, 'a list of strings');
}

/** Applies a reader to a field that may be missing. */
export function optional<T>(read: (fields: Fields, name: string) => T, fields: Fields, name: string): T | undefined {
  return fields[name] === undefined ? undefined : read(fields, name);
}

function wrong(fields: Fields, name: string, wanted: string): LineError {
  const field = fields[name];
  if (field === undefined) return new LineError(`"${name}" is missing; it must be ${wanted}`);
  return new LineError(`"${name}" is ${JSON.stringify(field)}; it must be ${wanted}`);
}
