/**
 * The replaceable edges: time, randomness and byte streams. Everything above them runs unchanged in the simulator
 * (shared design, "Simulation"); `io/` holds the real ones.
 */

/** Two clocks. Only the monotonic one measures durations; the wall clock founds epochs and is shown to people. */
export interface Clock {
  /** Milliseconds since some fixed moment, never going back; fractions allowed. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01 UTC; may jump. */
  unixMs(): number;
}

export interface TimerHandle {
  cancel(): void;
}

export interface Timers {
  /** Calls `run` once after at least `afterMs`. */
  after(afterMs: number, run: () => void): TimerHandle;
  /** Calls `run` when the present event has been handled, before the next one. */
  soon(run: () => void): void;
  /** Calls `run` when everything that is ready now has been handled: once per event-loop turn. */
  atTurnEnd(run: () => void): void;
}

export interface Random {
  /** 32 uniform bits as an unsigned integer. */
  u32(): number;
  /** Fills `target` with bytes that nobody can guess. */
  fill(target: Uint8Array): void;
}

/** Remote address of a channel within this process. */
export const IN_PROCESS = 'in-process:0';

/** One ordered, reliable byte stream: a socket, a pipe in memory, a simulated link. */
export interface Channel {
  /** Where the other side is, for logs and errors: `host:port`. */
  readonly remoteAddress: string;
  /**
   * Hands over `bytes`. True: all of them are gone, the caller may reuse the memory at once. False: they must stay as
   * they are until `drained` is called.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops and restarts the calls of `received`. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

/** What the owner of a channel is told. `received` must copy what it keeps: the chunk is reused. */
export interface ChannelHandler {
  received(chunk: Uint8Array): void;
  /** The other side sends no more; what it asked for may still be written. Without this the channel ends by itself. */
  finished?(): void;
  /** Everything written so far is gone. */
  drained(): void;
  /** The channel is gone. Called exactly once. */
  ended(error: Error | null): void;
}

/** Opens channels to other processes. */
export interface Transport {
  /** Resolves with an open channel; rejects with the system's error. `handlerOf` is called once, before any data. */
  connect(address: Address, handlerOf: (channel: Channel) => ChannelHandler, timeoutMs: number): Promise<Channel>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Structured log: an event name in the field's words and its fields. */
export interface Log {
  write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Keyed hashing for the login (HMAC-SHA256). */
export interface Crypto {
  hmac(secret: Uint8Array, parts: readonly Uint8Array[]): Uint8Array;
  /** Compares in constant time. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** One step of a change to a directory. */
export type DiskStep =
  /** The file is there as a whole or not at all; one of that name is replaced. */
  | { readonly kind: 'create'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'append'; readonly name: string; readonly bytes: Uint8Array }
  /** Keeps the first `length` bytes. */
  | { readonly kind: 'cut'; readonly name: string; readonly length: number }
  | { readonly kind: 'remove'; readonly name: string };

/** A directory of small files, held by this process alone. */
export interface Disk {
  /** For messages. */
  readonly path: string;
  list(): readonly string[];
  /** Null: there is no such file. */
  read(name: string): Uint8Array | null;
  /**
   * Takes the steps in order, each durable before the next begins; one call at a time. `done(null)`: all of them will
   * outlive a power cut. `done(error)`: some may, the last of those in part.
   */
  write(steps: readonly DiskStep[], done: (error: Error | null) => void): void;
}
