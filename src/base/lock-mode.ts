/**
 * The six lock modes of the VMS distributed lock manager, which the Linux DLM took over, and which of them go together (L7).
 *
 *      held ►            null  conc.read  conc.write  prot.read  prot.write  exclusive
 *      null               ✓       ✓          ✓           ✓          ✓          ✓
 *      concurrent read    ✓       ✓          ✓           ✓          ✓
 *      concurrent write   ✓       ✓          ✓
 *      protected read     ✓       ✓                      ✓
 *      protected write    ✓       ✓
 *      exclusive          ✓
 *
 * Source: W. E. Snaman, D. W. Thiel, The VAX/VMS Distributed Lock Manager, Digital Technical Journal 5 (1987), table 1.
 */

/** Numbers are on the wire, fixed for ever. */
export const LockMode = {
  null: 0,
  concurrentRead: 1,
  concurrentWrite: 2,
  protectedRead: 3,
  protectedWrite: 4,
  exclusive: 5,
} as const;

export const LOCK_MODES = 6;

/** By mode. */
export const LOCK_MODE_NAMES: readonly string[] = [
  'null',
  'concurrent-read',
  'concurrent-write',
  'protected-read',
  'protected-write',
  'exclusive',
];

/** By mode: a bit for each mode that goes with it. */
const COMPATIBLE: readonly number[] = [0b111111, 0b011111, 0b000111, 0b001011, 0b000011, 0b000001];

/** Whether two holders may have a lock in these modes at the same time. */
export function isCompatible(one: number, other: number): boolean {
  return (((COMPATIBLE[one] as number) >>> other) & 1) !== 0;
}

/** Whether going from one mode to the other only gives up: everybody who went with `from` goes with `to`. */
export function isDownward(from: number, to: number): boolean {
  const allowed = COMPATIBLE[from] as number;
  return (allowed & (COMPATIBLE[to] as number)) === allowed;
}

/** Whether the holder is alone in changing what the lock protects, or shares that with others who change it. */
export function mayWrite(mode: number): boolean {
  return mode === LockMode.concurrentWrite || mode >= LockMode.protectedWrite;
}
