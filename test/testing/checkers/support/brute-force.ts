/**
 * The plainest judge of one key there can be, to hold the real one against: it tries every order of every choice of the
 * operations. For a handful of operations only.
 */

import type { Operation, Value } from '../../../../src/testing/checkers/index.ts';

interface State {
  readonly value: Value;
  /** Of the value; null: nobody has told. */
  readonly version: bigint | null;
  readonly newest: bigint;
  readonly expiresAt: number;
  readonly now: number;
}

/** @param operations get (linearizable), put, del, cas and incr of one key @param initial value at the start */
export function isLinearizable(operations: readonly Operation[], initial: Value): boolean {
  const able = operations.filter(({ outcome }) => outcome !== 'fail');
  const start = { value: initial, version: null, newest: 0n, expiresAt: Infinity, now: -Infinity };
  return canFinish(start, able);
}

function canFinish(state: State, left: readonly Operation[]): boolean {
  if (left.every(({ outcome }) => outcome === 'unknown')) return true;
  if (state.expiresAt < Infinity && canFinish(expired(state), left)) return true;
  return left.some((operation) => {
    if (left.some((other) => isBefore(other, operation))) return false;
    const next = after(state, operation);
    return (
      next !== null &&
      canFinish(
        next,
        left.filter((other) => other !== operation),
      )
    );
  });
}

/** The order a client sees by its own clock; that of different clients shows in the moments. */
function isBefore(a: Operation, b: Operation): boolean {
  return a.outcome === 'ok' && a.client === b.client && a.answeredAt < b.sentAt;
}

function expired(state: State): State {
  return { ...state, value: null, version: null, expiresAt: Infinity, now: Math.max(state.now, state.expiresAt) };
}

/** The state after an operation; null when it cannot come next. */
function after(before: State, operation: Operation): State | null {
  const now = Math.max(before.now, operation.call);
  if (now > operation.ret) return null;
  const state = { ...before, now };
  const known = operation.outcome === 'ok';
  const version = known && operation.version !== undefined ? BigInt(operation.version) : null;
  const { kind, found, accepted } = operation;
  if (kind === 'get') return known ? observe(state, version, found) : state;
  if (kind === 'put') return write(state, operation.value as string, version, operation.ttl);
  if (kind === 'del') return remove(state, known ? accepted : undefined, version);
  if (kind === 'incr') return increment(state, operation, known, version);
  if (known && accepted === false) return refuse(state, operation, version);
  return swap(state, operation, known, version);
}

function observe(state: State, version: bigint | null, value: Value | undefined): State | null {
  if (value !== undefined && value !== state.value) return null;
  if (version === null) return state;
  if (version === 0n) return state.value === null ? state : null;
  if (state.value === null) return version >= state.newest ? { ...state, newest: version } : null;
  if (state.version !== null) return state.version === version ? state : null;
  return version > state.newest ? { ...state, version, newest: version } : null;
}

function write(state: State, value: string, version: bigint | null, ttl?: number): State | null {
  if (version !== null && version <= state.newest) return null;
  const expiresAt = ttl === undefined ? Infinity : state.now + ttl;
  return { ...state, value, version, newest: version ?? state.newest, expiresAt };
}

function remove(state: State, found: boolean | undefined, version: bigint | null): State | null {
  const present = state.value !== null;
  if (found !== undefined && found !== present) return null;
  const newest = version ?? state.newest;
  if (version !== null && (present ? version <= state.newest : version < state.newest)) return null;
  if (found === false && version === null) return state;
  return { ...state, value: null, version: null, expiresAt: Infinity, newest };
}

function increment(state: State, operation: Operation, known: boolean, version: bigint | null): State | null {
  if (state.value !== null && !/^-?\d+$/.test(state.value)) return known ? null : state;
  const sum = String(BigInt(state.value ?? '0') + BigInt(operation.value as string));
  if (known && operation.found !== sum) return null;
  if (version !== null && version <= state.newest) return null;
  return { ...state, value: sum, version, newest: version ?? state.newest };
}

/** A refused cas tells what it found, and that is not what it demanded. */
function refuse(state: State, operation: Operation, version: bigint | null): State | null {
  // A version alone says that something was there.
  if (operation.found === undefined && version !== null && version > 0n && state.value === null) return null;
  const seen = observe(state, version, operation.found);
  return seen === null || meets(seen, operation) === 'yes' ? null : seen;
}

/** Whether the condition of a cas holds; `perhaps`: the version of the value is not known. */
function meets(state: State, { expected, expectedVersion }: Operation): 'yes' | 'no' | 'perhaps' {
  if (expected !== undefined && expected !== state.value) return 'no';
  if (expectedVersion === undefined) return 'yes';
  if (expectedVersion === '0') return state.value === null ? 'yes' : 'no';
  if (state.value === null) return 'no';
  if (state.version === null) return BigInt(expectedVersion) > state.newest ? 'perhaps' : 'no';
  return state.version === BigInt(expectedVersion) ? 'yes' : 'no';
}

function swap(state: State, operation: Operation, known: boolean, version: bigint | null): State | null {
  const met = meets(state, operation);
  if (met === 'no') return known ? null : state;
  const newest = met === 'perhaps' ? BigInt(operation.expectedVersion as string) : state.newest;
  return write({ ...state, newest }, operation.value as string, version, operation.ttl);
}
