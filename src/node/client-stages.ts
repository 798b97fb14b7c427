/**
 * Values that clients are sending in pieces, by connection. All of them together have a bound of their own, so that
 * announcing values costs a node no more than that; one that does not grow any further is dropped.
 */
import type { Connection } from './connection.ts';
import { Stages } from './stages.ts';

/** Values that one connection may have under way. */
export const STAGES_PER_CONNECTION_MAX = 4;
/** Announced bytes of all values on their way from clients to this node. */
export const STAGED_BYTES_MAX: number = 1024 * 1024 * 1024;
/** A value that is not whole and has not grown for this long is dropped; so is a whole one that no write has named. */
export const STAGE_IDLE_MS = 30_000;
/** Stages are looked at this often. */
const SWEEP_MS = 1000;

export interface ClientStagesHost {
  readonly nowMs: number;
  /** Sets memory aside; false: there is none. */
  reserveHere(bytes: number): boolean;
}

export class ClientStages {
  readonly #host: ClientStagesHost;
  readonly #stages: Map<number, Stages> = new Map();
  #lastSweepMs = 0;

  constructor(host: ClientStagesHost) {
    this.#host = host;
  }

  /** Memory of whole and partial values that no entry names yet. */
  get bytes(): number {
    let bytes = 0;
    for (const stages of this.#stages.values()) bytes += stages.bytes;
    return bytes;
  }

  bytesOf(connection: Connection): number {
    return this.#stages.get(connection.id)?.bytes ?? 0;
  }

  /** Those of `connection`. */
  of(connection: Connection): Stages {
    let stages = this.#stages.get(connection.id);
    if (stages === undefined) {
      stages = new Stages(STAGES_PER_CONNECTION_MAX, (bytes) => this.#reserve(bytes));
      this.#stages.set(connection.id, stages);
    }
    return stages;
  }

  #reserve(bytes: number): boolean {
    return this.bytes + bytes <= STAGED_BYTES_MAX && this.#host.reserveHere(bytes);
  }

  drop(connection: Connection, stage: number): void {
    this.#stages.get(connection.id)?.drop(stage);
  }

  /** Hands a whole value over; null when it is not there or not whole. */
  take(connection: Connection, stage: number): Uint8Array | null {
    return this.#stages.get(connection.id)?.take(stage) ?? null;
  }

  closed(connection: Connection): void {
    this.#stages.get(connection.id)?.clear();
    this.#stages.delete(connection.id);
  }

  /** To be called often; drops what has not grown. */
  tick(): void {
    const { nowMs } = this.#host;
    if (nowMs - this.#lastSweepMs < SWEEP_MS) return;
    this.#lastSweepMs = nowMs;
    for (const stages of this.#stages.values()) stages.dropIdle(nowMs, STAGE_IDLE_MS);
  }
}
