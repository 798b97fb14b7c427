/** What the harness and the processes that measure tell each other over their IPC channel. */
import type { Measure, Operation } from './cases.ts';

export interface RunRequest {
  readonly type: 'run';
  readonly operation: Operation;
  readonly loops: number;
  readonly measure: Measure;
  readonly seconds: number;
  /** Runs this long before anything counts. */
  readonly warmUpSeconds: number;
  /** Size of the echo's frames. */
  readonly frameBytes: number;
  readonly profile: ProfileRequest | null;
}

/** Asks for a CPU profile of the measured time, of the client and of one node. */
export interface ProfileRequest {
  readonly folder: string;
  /** First part of the file names. */
  readonly label: string;
  readonly nodePid: number;
}

/** Microseconds. */
export interface RoundTrip {
  readonly p50: number;
  readonly p99: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

export interface Measurement {
  readonly operations: number;
  readonly seconds: number;
  readonly perSecond: number;
  /** Only of cases that measure round trips. */
  readonly roundTrip: RoundTrip | null;
  /** CPU time of this process, microseconds an operation. */
  readonly clientCpuMicros: number;
  /** CPU time of all nodes together, or of the echo server, microseconds an operation; null when not known. */
  readonly serverCpuMicros: number | null;
  /** How many cores processes other than these kept busy meanwhile; null when not known. */
  readonly othersCores: number | null;
  /** How many cores the host took from this machine meanwhile, while there was work for them. */
  readonly stolenCores: number;
}

export type ChildMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'measured'; readonly measurement: Measurement }
  | { readonly type: 'failed'; readonly message: string };
