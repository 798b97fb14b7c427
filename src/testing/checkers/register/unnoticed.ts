/**
 * Values that nobody names. A write of one matters only by what it overwrites, and by being there at all: whether it was
 * this value or that makes no difference. Treating them as one value makes many configurations of the search the same.
 */

import { NONE, type RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { ABSENT, NAMELESS } from './value-table.ts';

/**
 * Gives all values that no operation names one number, and leaves out uncertain writes that nobody can have noticed: if
 * such a history has an order that includes the write, it has one without. A value that expires is kept: its absence
 * counts.
 *
 * @param named values that count as named in any case
 */
export function withoutUnnoticed(operations: RegisterOperation[], named: readonly number[]): RegisterOperation[] {
  // An increment depends on the value, whatever it is.
  if (operations.some(({ source }) => source.kind === 'incr')) return operations;
  const all = new Set([NONE, ABSENT, ...named]);
  for (const { needs, refusedValue } of operations) all.add(needs).add(refusedValue);
  for (const operation of operations) if (!all.has(operation.makes)) operation.makes = NAMELESS;
  if (operations.some(noticesAnyValue)) return operations;
  return operations.filter(
    ({ certain, makes, lifetime }) => certain || makes !== NAMELESS || lifetime < Number.POSITIVE_INFINITY,
  );
}

/** It can tell that some value is there without naming it. */
function noticesAnyValue({ refused, needs, needsPresence, needsVersion }: RegisterOperation): boolean {
  return needsPresence || needsVersion > VERSION_ABSENT || (refused && needs === NONE);
}
