/**
 * Assertions for bugs, not for failed operations: they crash, and they stay on in production (TigerStyle, "Safety").
 * A failed operation is a value or a `KeyvalError` instead. The message is built before the condition is looked at, so
 * give hot paths a constant string.
 */

/** A bug in keyval itself. Nothing catches it: the process ends. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** @throws AssertionError unless `condition` holds; the compiler knows it afterwards. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Ends a `switch` over a union: a missing case is a compile error, and a crash if it happens all the same. */
export function unreachable(x: never): never {
  throw new AssertionError(`unreachable: ${String(x)}`);
}
