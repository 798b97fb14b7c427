/**
 * When a lease has run out, seen from the primary (L3): after ttl·(1+ρ)+δ since the last renewal was heard. The holder
 * counts ttl from when it sent that renewal, so it has given up before.
 */

/** ρ: clocks of two machines run apart by at most this share. */
export const CLOCK_DRIFT = 0.01;
/** δ: granularity of timers and ticks. */
export const CLOCK_SLACK_MS = 50;

export function leaseHasRunOut(leaseMs: number, renewedAtMs: number, nowMs: number): boolean {
  return nowMs > renewedAtMs + leaseMs * (1 + CLOCK_DRIFT) + CLOCK_SLACK_MS;
}
