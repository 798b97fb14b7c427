/** The grants in a history, each lock's in the order of their tokens, with what ended them. */
import type { Operation } from '../../../src/testing/checkers/index.ts';
import { partsOf } from './hot-keys.ts';

export interface LockGrant {
  readonly acquire: Operation;
  readonly token: bigint;
  /** `p2.5/3`: program, life, loop. */
  readonly owner: string;
  /** The holder let go, or was told that it had lost the lock; null: neither. */
  readonly end: Operation | null;
}

/** By tag. */
export type Grants = ReadonlyMap<number, readonly LockGrant[]>;

export function grantsIn(operations: readonly Operation[]): Grants {
  const ends = endsIn(operations);
  const grants = new Map<number, LockGrant[]>();
  for (const acquire of operations) {
    const parts = partsOf(acquire.key);
    if (acquire.kind !== 'acquire' || acquire.accepted !== true || parts === null) continue;
    const owner = acquire.session as string;
    const grant = { acquire, token: BigInt(acquire.token as string), owner, end: ends.get(endKey(acquire)) ?? null };
    const list = grants.get(parts.tag);
    if (list === undefined) grants.set(parts.tag, [grant]);
    else list.push(grant);
  }
  for (const list of grants.values()) list.sort((a, b) => (a.token < b.token ? -1 : 1));
  return grants;
}

function endKey({ key, session, token }: Operation): string {
  return `${key} ${session} ${token}`;
}

/** The first release of each. */
function endsIn(operations: readonly Operation[]): ReadonlyMap<string, Operation> {
  const ends = new Map<string, Operation>();
  for (const operation of operations) {
    if (operation.kind !== 'release') continue;
    const key = endKey(operation);
    const known = ends.get(key);
    if (known === undefined || operation.call < known.call) ends.set(key, operation);
  }
  return ends;
}

/** The life that holds it. */
export function lifeOf(owner: string): string {
  return owner.split('/')[0] as string;
}

/** The loop, whatever the life: `p2/3`. */
export function loopOf(owner: string): string {
  return owner.replace(/\.\d+/, '');
}
