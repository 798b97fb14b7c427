/**
 * Up to when a peer has told everything that it had committed as a primary (R13). A heartbeat that vouches says: at `sent`
 * nobody else could be primary of what you follow in sync from me. Each tick of the peer sends its heartbeat first, then
 * tells every commit point that it has not told yet, on the same link:
 *
 *     its clock   ── BEAT n−1 ── commit points ─────────── BEAT n ──►
 *                       └ everything committed before is told now
 *
 * So with two in a row that vouch, nothing committed before the first is missing here. What the peer's clock shows means
 * nothing here; but BEAT n echoes a heartbeat of this node, and so left after that one: BEAT n−1 left so much earlier as
 * the peer itself says.
 */
import { CLOCK_DRIFT } from './session-clock.ts';

export class VouchedTime {
  /** Own monotonic milliseconds; −∞: nothing was vouched for. */
  untilMs: number = Number.NEGATIVE_INFINITY;
  /** Version of the book that the peer had applied by then: it knew of no later configuration. */
  version = 0;
  // The heartbeat before: the peer's clock in microseconds, its version; whether it vouched on this link.
  #sent = 0;
  #sentVersion = 0;
  #hasVouched = false;
  /** What this node has sent before that counts for nothing. */
  #fromMs: number = Number.NEGATIVE_INFINITY;

  /** A heartbeat came that echoes what this node sent at `askedMs`; the book is applied here through `applied`. */
  heard(vouches: boolean, sent: number, askedMs: number, version: number, applied: number): void {
    const lagMs = (sent - this.#sent) / 1000;
    const isPair = vouches && this.#hasVouched && lagMs >= 0;
    const before = this.#sentVersion;
    this.#sent = sent;
    this.#sentVersion = version;
    this.#hasVouched = vouches;
    // What the peer takes for in sync must be known here, too: like a lease (R12).
    if (!isPair || version > applied || askedMs < this.#fromMs) return;
    const untilMs = askedMs - lagMs * (1 + CLOCK_DRIFT);
    if (untilMs < this.untilMs) return;
    this.untilMs = untilMs;
    this.version = before;
  }

  /** The link is another one: what was told on the former one may be lost. */
  linkChanged(): void {
    this.#hasVouched = false;
  }

  /** It is another life, or a clock here cannot be trusted. */
  void(nowMs: number): void {
    this.untilMs = Number.NEGATIVE_INFINITY;
    this.#hasVouched = false;
    this.#fromMs = nowMs;
  }
}
