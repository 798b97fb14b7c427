/** The edges a node runs on: real ones in `io/`, simulated ones in the simulator. */
import type { Clock, Crypto, Disk, Log, Random, Timers, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';
import type { WorkerPool } from '../bulk/worker-pool.ts';
import type { HelloFields } from '../protocol/login.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly transport: Transport;
  readonly log: Log;
  readonly turn: Turn;
  readonly workers: WorkerPool;
  /** Without it nobody is told of a main thread that stands still. */
  readonly liveness?: LivenessPort;
  /** Where the node keeps what must outlive it; null: nowhere. */
  readonly disk: Disk | null;
  /** A way to write keys wherever they belong, as a client of the cluster would. Asked for at the first bulk load. */
  openBulkWriter(): Promise<BulkWriter>;
  /** For status. */
  processFacts(): ProcessFacts;
}

/** Speaks for this node to others while its main thread stands still; see links.ts. */
export interface LivenessPort {
  /** The main thread comes round: to be said with every tick. */
  ticked(): void;
  /** Who is to be told if it does not, and how to log in there. */
  peers(addresses: readonly string[], hello: HelloFields): void;
  /** From now on nobody is told anything. */
  close(): Promise<void>;
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
