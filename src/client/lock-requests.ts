/** LCKK, ULKK, CNCL and WANT as requests of the client. */
import { Bag } from '../base/bag.ts';
import { writeU32 } from '../base/bytes.ts';
import { LockMode } from '../base/lock-mode.ts';
import { KeyvalError } from '../errors.ts';
import { WAIT_FOREVER, WantSpan, WriteFlag } from '../protocol/client-codec.ts';
import { conversionPayload, lockPayload } from '../protocol/lock-request.ts';
import * as op from '../protocol/opcode.ts';
import { type Grant, Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeldLock } from './held-lock.ts';
import type { Key } from './key-buffer.ts';
import type { LockSettings, WaitSettings } from './lock-options.ts';
import { type Fail, Operation } from './operation.ts';

/** A grant, and the request that it answers. */
export interface Granted {
  readonly grant: Grant;
  readonly operation: Operation;
}

/** A request under way, and its grant. */
export interface Asking {
  readonly operation: Operation;
  readonly granted: Promise<Granted>;
}

/** Nobody stands in the way of a weaker mode. */
const AT_ONCE: WaitSettings = { waitMs: 0, timeoutMs: 0, fetch: false, signal: undefined };

export class LockRequests {
  readonly #dispatcher: Dispatcher;
  readonly #waiting: Bag<Operation> = new Bag();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  get #nowMs(): number {
    return this.#dispatcher.ports.clock.monotonicMs();
  }

  /** `flow`: as `Flow.tag` says it, 0 for none. */
  acquire(key: Key, settings: LockSettings, flow: number): Promise<Granted> {
    const { mode, delayMs, label } = settings;
    const isPlain = mode === LockMode.exclusive && flow === 0 && delayMs === 0 && label === '';
    const payload = isPlain ? null : lockPayload(mode, flow, delayMs, label);
    return new Promise((resolve, reject) => {
      const fail = (error: KeyvalError): void => {
        this.#waiting.delete(operation);
        if (!isRefusal(error) || operation.unknown) void this.cancel(operation);
        reject(error);
      };
      const granted = (grant: unknown): void => {
        this.#waiting.delete(operation);
        resolve({ grant: grant as Grant, operation });
      };
      const operation = new Operation(op.LCKK, key, payload, this.#nowMs + settings.timeoutMs, granted, fail);
      this.#waiting.add(operation);
      this.#ask(operation, settings);
    });
  }

  /** Asks for a stronger mode of a lock that is held. */
  convert(held: HeldLock, mode: number, settings: WaitSettings): Asking {
    return this.#convert(held, mode, this.#nowMs + settings.timeoutMs, settings);
  }

  /** Asks for a weaker one. Repeated until a node has answered it. */
  weaken(held: HeldLock, mode: number): Asking {
    return this.#convert(held, mode, Number.POSITIVE_INFINITY, AT_ONCE);
  }

  #convert(held: HeldLock, mode: number, deadlineMs: number, settings: WaitSettings): Asking {
    const { promise: granted, resolve, reject } = Promise.withResolvers<Granted>();
    const take = (grant: unknown): void => resolve({ grant: grant as Grant, operation });
    const payload = conversionPayload(mode, held.sequence);
    const operation = new Operation(op.LCKK, held.key, payload, deadlineMs, take, reject);
    nameToken(operation, held.token);
    this.#ask(operation, settings);
    return { operation, granted };
  }

  #ask(operation: Operation, { waitMs, timeoutMs, fetch, signal }: WaitSettings): void {
    if (fetch) operation.flags |= WriteFlag.wantsValue;
    operation.span = Math.min(Math.ceil(waitMs), WAIT_FOREVER);
    operation.timeoutMs = timeoutMs;
    operation.queuedUntilMs = this.#nowMs + waitMs + timeoutMs;
    this.#listen(operation, signal);
    this.#dispatcher.submit(operation);
  }

  #listen(operation: Operation, signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const aborted = (): void => {
      const error = new KeyvalError('KV_ABORTED', 'the wait for the lock was aborted', { cause: signal.reason });
      this.giveUp(operation, error);
    };
    signal.addEventListener('abort', aborted, { once: true });
    operation.unlisten = (): void => signal.removeEventListener('abort', aborted);
  }

  /** The session is about to say good-bye, which ends its waits at the nodes. */
  giveUpAll(error: KeyvalError): void {
    for (const operation of this.#waiting.all()) this.giveUp(operation, error);
  }

  giveUp(operation: Operation, error: KeyvalError): void {
    this.#dispatcher.giveUp(operation, error);
  }

  /**
   * L5: a wait that was given up leaves nothing behind; this is repeated until the node has acknowledged it, which resolves.
   * What was granted is released, or, after a conversion, held as before.
   */
  cancel({ key, attempts, sequence, attachEpoch, attachOperation }: Operation): Promise<void> {
    if (attempts === 0 || attachEpoch === 0 || this.#dispatcher.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => resolve();
      const cancel = new Operation(op.CNCL, key, sequenceBytes(sequence), Number.POSITIVE_INFINITY, settle, settle);
      cancel.attachEpoch = attachEpoch;
      cancel.attachOperation = attachOperation;
      cancel.shape = Shape.nothing;
      this.#dispatcher.submit(cancel);
    });
  }

  /** Repeated until a node has answered it. `payload` and `span`: a value to be stored, with the flag for it. */
  release(held: HeldLock, payload: Uint8Array | null, span: number, flags: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const operation = new Operation(op.ULKK, held.key, payload, Number.POSITIVE_INFINITY, () => resolve(), reject);
      operation.shape = Shape.nothing;
      operation.flags = flags;
      operation.span = span;
      nameToken(operation, held.token);
      if (held.mode !== LockMode.exclusive) {
        operation.flags |= WriteFlag.namesGrant;
        operation.grantSequence = held.sequence;
      }
      this.#dispatcher.submit(operation);
    });
  }

  /** Asks to be told when somebody waits for the lock. */
  watch(held: HeldLock): void {
    const ignore = (): void => undefined;
    this.#want(held, WantSpan.watch, ignore, ignore);
  }

  /** Whether its node says that it is held under its token; true, too, when the session ends before an answer. */
  isHeld(held: HeldLock): Promise<boolean> {
    return new Promise((resolve) => {
      this.#want(
        held,
        WantSpan.ask,
        () => resolve(true),
        (error) => resolve(error.code !== 'KV_NOT_HELD'),
      );
    });
  }

  #want({ key, token, sequence, partition }: HeldLock, span: number, resolve: () => void, reject: Fail): void {
    if (this.#dispatcher.closed) return;
    const { epoch, operation } = this.#dispatcher.session.at(partition);
    const want = new Operation(op.WANT, key, sequenceBytes(sequence), Number.POSITIVE_INFINITY, resolve, reject);
    want.attachEpoch = epoch;
    want.attachOperation = operation;
    want.span = span;
    want.shape = Shape.nothing;
    nameToken(want, token);
    this.#dispatcher.submit(want);
  }
}

/** The node has answered that the wait is over: it keeps nothing of it. */
function isRefusal({ code }: KeyvalError): boolean {
  return code === 'KV_LOCK_BUSY' || code === 'KV_DEADLOCK';
}

/** As CNCL and WANT name a request. */
function sequenceBytes(sequence: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, sequence);
  return bytes;
}

function nameToken(operation: Operation, token: bigint): void {
  operation.epoch = Number(token >> 32n);
  operation.operation = Number(token & 0xffff_ffffn);
}
