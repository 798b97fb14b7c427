/**
 * A run as text that fits a command line: seed, seconds, and which faults of the seed's own list are kept, each perhaps
 * shortened: `--replay 17 --seconds 60 --until 12 --only 3,7:250`.
 */
import { KeyvalError } from '../errors.ts';
import type { Fault } from './faults.ts';

/** `3,7:250`: the numbers of faults in the seed's list, with how long each lasts where that is not as planned. */
export function faultsAsText(kept: readonly Fault[], planned: readonly Fault[]): string {
  const unused = new Set(planned.keys());
  const parts = kept.map((fault) => {
    const index = planned.findIndex((other, at) => unused.has(at) && isSame(fault, other));
    unused.delete(index);
    const forMs = planned[index]?.forMs === fault.forMs ? '' : `:${fault.forMs}`;
    return `${index}${forMs}`;
  });
  return parts.join(',');
}

function isSame(a: Fault, b: Fault): boolean {
  return a.kind === b.kind && a.atMs === b.atMs && a.target === b.target && a.peer === b.peer;
}

/** @throws KeyvalError KV_USAGE when the text does not fit the list */
export function faultsOfText(text: string, planned: readonly Fault[]): Fault[] {
  if (text === '') return [];
  return text.split(',').map((part) => {
    const match = /^(\d+)(?::(\d+))?$/.exec(part);
    const fault = match === null ? undefined : planned[Number(match[1])];
    if (match === null || fault === undefined) {
      throw new KeyvalError('KV_USAGE', `--only: '${part}' names none of the ${planned.length} faults of this seed`);
    }
    return match[2] === undefined ? fault : { ...fault, forMs: Number(match[2]) };
  });
}
