/** The way from one machine to another, in one direction: how long bytes take, and whether they arrive at all. */
import type { Prng } from '../base/prng.ts';

export interface LinkQuality {
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
  /** How often a chunk is torn where no frame ends, 0 to 1. */
  readonly tears: number;
}

/** A link that is clogged passes bytes so many times slower at most, and delays a packet so long at most. */
const SLOWER_BYTES_MAX = 8;
const LATENCY_MS_MAX = 2500;

/** On one machine. */
export const LOOPBACK: LinkQuality = { delayMs: 0.02, jitterMs: 0.02, bytesPerMs: 1_000_000, tears: 0 };

export class SimLink {
  readonly quality: LinkQuality;
  readonly random: Prng;
  /** So many faults hold everything back at present. */
  #cuts = 0;
  /** So many times slower than usual. */
  slowness = 1;
  /** When the last byte under way will have left the sender: bandwidth is shared by all connections. */
  #busyUntilMs = 0;

  constructor(quality: LinkQuality, random: Prng) {
    this.quality = quality;
    this.random = random;
  }

  get cut(): boolean {
    return this.#cuts > 0;
  }

  hold(): void {
    this.#cuts += 1;
  }

  /** True when bytes pass again. */
  release(): boolean {
    this.#cuts -= 1;
    return this.#cuts === 0;
  }

  /** How long it takes a packet without load. */
  latencyMs(): number {
    const { delayMs, jitterMs } = this.quality;
    return Math.min((delayMs + this.random.float() * jitterMs) * this.slowness, LATENCY_MS_MAX);
  }

  /** When `bytes` handed over now arrive. */
  arrivalMs(nowMs: number, bytes: number): number {
    const startMs = nowMs > this.#busyUntilMs ? nowMs : this.#busyUntilMs;
    const slower = this.slowness < SLOWER_BYTES_MAX ? this.slowness : SLOWER_BYTES_MAX;
    this.#busyUntilMs = startMs + (bytes / this.quality.bytesPerMs) * slower;
    return this.#busyUntilMs + this.latencyMs();
  }
}
