/** The edges a node runs on: real ones in `io/`, simulated ones in the simulator. */
import type { Clock, Crypto, Disk, Log, Random, Timers, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import type { WorkerPool } from '../bulk/worker-pool.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly transport: Transport;
  readonly log: Log;
  readonly turn: Turn;
  readonly workers: WorkerPool;
  /** Where the node keeps what must outlive it; null: nowhere. */
  readonly disk: Disk | null;
  /** A way to write keys wherever they belong, as a client of the cluster would. Asked for at the first bulk load. */
  openBulkWriter(): Promise<BulkWriter>;
  /** For status. */
  processFacts(): ProcessFacts;
}

export interface BulkWriter {
  /** Stores a value whatever the key held, with retries. `ttlMs` 0: until deleted. The bytes stay as they are meanwhile. */
  put(key: Uint8Array, value: Uint8Array, ttlMs: number, timeoutMs: number): Promise<unknown>;
  close(): Promise<void>;
}

export interface ProcessFacts {
  readonly pid: number;
  /** Processor time used so far, user and system. */
  readonly cpuMicros: number;
  readonly residentBytes: number;
}
