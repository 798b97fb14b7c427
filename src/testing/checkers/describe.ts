/** Operations in words, for listings and explanations. */

import type { Operation, Value } from './history/operation.ts';

/** Longer values are cut: a listing is looked at by people. */
const VALUE_CHARACTERS_MAX = 40;

/** `put "a"`, `cas "a" → "b"`, `acquire as s1`. */
export function describeQuestion(operation: Operation): string {
  const { kind, value, session, token } = operation;
  if (kind === 'put') return `put ${show(value)}${describeTtl(operation)}`;
  if (kind === 'cas') return `cas ${describeCondition(operation)} → ${show(value)}${describeTtl(operation)}`;
  if (kind === 'incr') return `incr by ${value}`;
  if (kind === 'sadd') return `sadd ${show(value)}`;
  if (kind === 'fwrite') return `fwrite token ${token}`;
  if (kind === 'renew' || kind === 'release') return `${kind} as ${session} token ${token}`;
  if (kind === 'get' && operation.level !== 'lin') return `get (${operation.level})`;
  return session === undefined ? kind : `${kind} as ${session}`;
}

/** `ok`, `"a" version 7`, `refused, "b"`, `no answer`. */
export function describeAnswer(operation: Operation): string {
  if (operation.outcome === 'fail') return 'fail: certainly no effect';
  if (operation.outcome === 'unknown') {
    return Number.isFinite(operation.answeredAt) ? 'unknown' : 'no answer: unknown';
  }
  return [describeResult(operation), describeVersion(operation)].filter((part) => part !== '').join(' ');
}

/** `c1's put "a" (id 5)`: how explanations call an operation. */
export function nameOf(operation: Operation): string {
  return `${operation.client}'s ${describeQuestion(operation)} (id ${operation.id})`;
}

/** A value as JSON, cut; absence in words. */
export function show(value: Value | undefined): string {
  if (value === null) return 'absent';
  const text = JSON.stringify(value ?? '');
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}…"`;
}

function describeResult(operation: Operation): string {
  const { kind, accepted, found, token, holder, elements } = operation;
  if (kind === 'get' || kind === 'incr') return show(found);
  if (kind === 'holder') return holder === null ? 'nobody' : `${holder}${token === undefined ? '' : ` token ${token}`}`;
  if (kind === 'acquire' && accepted) return `granted, token ${token}`;
  if (kind === 'sread') return `{${(elements ?? []).map(show).join(', ')}}`;
  if (kind === 'del' && accepted !== undefined) return accepted ? 'ok, found' : 'ok, nothing found';
  if (accepted === false) return found === undefined ? 'refused' : `refused, ${show(found)}`;
  return 'ok';
}

function describeVersion({ version }: Operation): string {
  return version === undefined ? '' : `version ${version}`;
}

function describeCondition({ expected, expectedVersion }: Operation): string {
  const parts: string[] = [];
  if (expected !== undefined) parts.push(show(expected));
  if (expectedVersion !== undefined) parts.push(expectedVersion === '0' ? 'absent' : `version ${expectedVersion}`);
  return parts.join(' at ');
}

function describeTtl({ ttl }: Operation): string {
  return ttl === undefined ? '' : ` for ${ttl / 1e6} ms`;
}
