/** The edges a node runs on: real ones in `io/`, simulated ones in the simulator. */
import type { Clock, Crypto, Log, Random, Timers, Transport } from '../base/ports.ts';
import type { Turn } from '../base/turn.ts';

export interface NodePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly transport: Transport;
  readonly log: Log;
  readonly turn: Turn;
  /** For status. */
  processFacts(): ProcessFacts;
}

export interface ProcessFacts {
  readonly pid: number;
  /** Processor time used so far, user and system. */
  readonly cpuMicros: number;
  readonly residentBytes: number;
}
