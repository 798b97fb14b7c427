/**
 * Brings requests to the primary and answers back: routes, attaches the session, encodes, and after a failure decides
 * whether another attempt is safe. Requests of one turn leave in one write per node.
 *
 * R24: reads and refused requests may always be sent again. A write that was sent keeps its sequence number, so that
 * sending it again cannot take effect twice (R22); if its attachment is gone, nobody can tell, and it is KV_AMBIGUOUS.
 */
import { nextDelayMs } from '../base/jitter.ts';
import type { TimerHandle } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import type { RoutingTable } from '../protocol/hello-codec.ts';
import { INLINE_VALUE_BYTES_MAX } from '../protocol/limits.ts';
import { decodeFail } from '../protocol/login.ts';
import * as op from '../protocol/opcode.ts';
import * as answers from './answers.ts';
import { Attacher } from './attacher.ts';
import type { Codec } from './codecs.ts';
import { FragmentedReplies } from './fragmented-replies.ts';
import { stageValue } from './large-values.ts';
import { LinkSet } from './link-set.ts';
import { type ClientPorts, type LinkOptions, NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import { RequestEncoder } from './request-encoder.ts';
import { Router } from './router.ts';
import { NO_SEQUENCE, Session } from './session.ts';
import { ambiguous, isHarmless, retried, speaksOfTheWrite, undecodable } from './verdict.ts';

/** Deadlines are checked this often. */
const SWEEP_MS = 50;
const RETRY_BASE_MS = 5;
const RETRY_CAP_MS = 200;

export interface DispatcherEvents {
  linkChanged(link: NodeLink, state: 'connected' | 'disconnected' | 'refused', error: KeyvalError | null): void;
  /** The session is no longer attached to `partition`: what it held there is lost. */
  attachmentLost(partition: number, reason: string): void;
}

export class Dispatcher {
  readonly router: Router = new Router();
  readonly session: Session;
  readonly ports: ClientPorts;
  closed = false;
  readonly #links: LinkSet;
  readonly #events: DispatcherEvents;
  readonly #decode: Codec<unknown>;
  readonly #encoder: RequestEncoder;
  /** Requests that no link holds: waiting for a connection, an attachment, or their next attempt. */
  readonly #idle: Set<Operation> = new Set();
  readonly #fragments: FragmentedReplies = new FragmentedReplies();
  #active = 0;
  #sweepTimer: TimerHandle | null = null;
  readonly #attacher: Attacher;

  constructor(
    endpoints: readonly string[],
    ports: ClientPorts,
    options: LinkOptions,
    leaseMs: number,
    decode: Codec<unknown>,
    events: DispatcherEvents,
  ) {
    this.ports = ports;
    this.#events = events;
    this.#decode = decode;
    this.session = new Session(leaseMs, ports.random);
    this.#encoder = new RequestEncoder(ports.clock);
    this.#attacher = new Attacher(this.session, options.name, ports.clock);
    this.#links = new LinkSet((endpoint) => new NodeLink(endpoint, ports, options, this));
    for (const endpoint of endpoints) this.#links.to(endpoint).open();
  }

  get links(): readonly NodeLink[] {
    return [...this.#links];
  }

  // ---- requests in

  /** Takes a request. It settles exactly once. */
  submit(operation: Operation): void {
    if (this.closed) return operation.reject(new KeyvalError('KV_CLOSED', 'the client was closed'));
    this.#active += 1;
    if (this.#sweepTimer === null) this.#sweepLater();
    this.#attempt(operation);
  }

  #attempt(operation: Operation): void {
    if (operation.done) return;
    if (operation.retry !== null) operation.cancelRetry();
    if (!this.router.known) return this.#wait(operation);
    if (operation.body === null && !this.#place(operation)) return;
    const link = operation.link ?? this.router.linkOf(operation.partition);
    if (!link.up) {
      link.open();
      return this.#wait(operation);
    }
    if (operation.body !== null) return this.#sendBody(operation, link);
    if (operation.opcode === op.GETK) return this.#sendGet(operation, link);
    this.#sendWrite(operation, link);
  }

  /** Finds the partition of the key; a key that cannot be ends the request. */
  #place(operation: Operation): boolean {
    try {
      this.#encoder.key.set(operation.key);
    } catch (error) {
      this.#reject(operation, error as KeyvalError);
      return false;
    }
    operation.partition = this.router.partitionOf(this.#encoder.key);
    return true;
  }

  /** Puts a request aside; a connection, an attachment or the deadline wakes it. */
  #wait(operation: Operation): void {
    this.#idle.add(operation);
  }

  #sent(operation: Operation, link: NodeLink): void {
    operation.attempts += 1;
    link.pending.add(operation);
  }

  #sendGet(operation: Operation, link: NodeLink): void {
    this.#sent(operation, link);
    this.#encoder.get(link.frames, operation);
  }

  #sendBody(operation: Operation, link: NodeLink): void {
    this.#sent(operation, link);
    operation.sentAtMs = this.ports.clock.monotonicMs();
    this.#encoder.body(link.frames, operation);
  }

  #sendWrite(operation: Operation, link: NodeLink): void {
    const attachment = this.session.at(operation.partition);
    const { payload } = operation;
    const current = attachment.is(operation.attachEpoch, operation.attachOperation);
    if (operation.opcode === op.CNCL) {
      if (!current) return this.#settled(link, operation, undefined); // the session's end has ended its waits
      return this.#writeFrame(operation, link, attachment.mark, payload);
    }
    if (operation.sequence !== NO_SEQUENCE && !current && !this.#startOver(operation)) return;
    if (!attachment.attached) return this.#attachFirst(operation, link);
    if (operation.sequence === NO_SEQUENCE) {
      operation.sequence = attachment.takeSequence();
      operation.attachEpoch = attachment.epoch;
      operation.attachOperation = attachment.operation;
    }
    if (payload !== null && payload.length > INLINE_VALUE_BYTES_MAX) return this.#sendLarge(operation, link, payload);
    this.#writeFrame(operation, link, attachment.mark, payload);
  }

  /** The attachment under which it was sent is gone. A lock is gone with it; of a write that was sent nobody knows. */
  #startOver(operation: Operation): boolean {
    if (operation.unknown && operation.opcode !== op.LCKK) {
      this.#settleUnknown(operation, 'the session was lost before the answer came');
      return false;
    }
    operation.sequence = NO_SEQUENCE;
    operation.unknown = false;
    operation.queued = false;
    return true;
  }

  #writeFrame(operation: Operation, link: NodeLink, mark: number, payload: Uint8Array | null): void {
    this.#sent(operation, link);
    this.#encoder.write(link.frames, operation, mark, payload);
  }

  /** The value first goes in pieces; then a small write names it. */
  #sendLarge(operation: Operation, link: NodeLink, value: Uint8Array): void {
    operation.link = link;
    this.#wait(operation);
    this.#active += 1;
    stageValue(link, operation.deadlineMs, value, {
      givenUp: () => operation.done,
      staged: (reference) => this.#sendStagedWrite(operation, link, reference),
      failed: (error) => {
        operation.link = null;
        this.#failed(operation, error);
      },
    });
  }

  /** False when the value that the node now holds is of no use. */
  #sendStagedWrite(operation: Operation, link: NodeLink, reference: Uint8Array): boolean {
    operation.link = null;
    this.#idle.delete(operation);
    const attachment = this.session.at(operation.partition);
    const current = attachment.is(operation.attachEpoch, operation.attachOperation);
    if (operation.done || !link.up || !current) {
      this.#attempt(operation);
      return false;
    }
    this.#encoder.key.set(operation.key);
    operation.flags |= codec.WriteFlag.staged;
    this.#writeFrame(operation, link, attachment.mark, reference);
    return true;
  }

  /** R22: a session attaches to a partition before its first write there. */
  #attachFirst(operation: Operation, link: NodeLink): void {
    const { partition } = operation;
    this.#wait(operation);
    const request = this.#attacher.begin(partition, link, {
      attached: () => this.#wake(partition),
      failed: (error) => {
        for (const waiting of this.#waitingAt(partition)) if (!isHarmless(waiting.opcode)) this.#failed(waiting, error);
      },
    });
    if (request === null) return;
    this.#active += 1;
    this.#sendBody(request, link);
  }

  #waitingAt(partition: number): Operation[] {
    return [...this.#idle].filter((operation) => operation.partition === partition && operation.link === null);
  }

  /** Tries again what waits for `partition`, or for anything; not what waits for its value to be staged. */
  #wake(partition: number | null): void {
    const waiting =
      partition === null
        ? [...this.#idle].filter((operation) => operation.link === null || operation.body !== null)
        : this.#waitingAt(partition);
    for (const operation of waiting) {
      this.#idle.delete(operation);
      this.#attempt(operation);
    }
  }

  // ---- links

  linkUp(link: NodeLink, table: RoutingTable): void {
    this.router.learn(table, (address) => this.#links.to(address));
    for (const other of this.router.links) other.open();
    this.#events.linkChanged(link, 'connected', null);
    this.#wake(null);
  }

  linkDown(link: NodeLink, unanswered: readonly Operation[], error: KeyvalError): void {
    this.#fragments.dropLink(link);
    this.#events.linkChanged(link, 'disconnected', error);
    for (const operation of unanswered) this.#interrupted(operation, error);
  }

  /** What can go nowhere else, such as a question to this very node, fails at once. */
  linkFailed(link: NodeLink, error: KeyvalError): void {
    for (const operation of [...this.#idle]) {
      if (operation.link === link && operation.body !== null) this.#reject(operation, error);
    }
  }

  linkRefused(link: NodeLink, error: KeyvalError): void {
    this.linkFailed(link, error);
    this.#events.linkChanged(link, 'refused', error);
  }

  /** The connection broke under a request: it may have taken effect. */
  #interrupted(operation: Operation, error: KeyvalError): void {
    if (operation.done) return void this.#forget(operation);
    operation.lastError = error;
    if (operation.opcode === op.STGE || operation.link !== null) return this.#reject(operation, error);
    if (!isHarmless(operation.opcode)) operation.unknown = true;
    if (operation.queued) operation.deadlineMs = this.ports.clock.monotonicMs() + operation.timeoutMs;
    this.#retryLater(operation);
  }

  // ---- answers

  reply(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    switch (frame.opcode) {
      case op.GOTK:
      case op.XPRD:
        return this.#got(link, operation, frame);
      case op.DONE:
        return this.#done(link, operation, frame);
      case op.LKDK:
        return this.#settled(link, operation, answers.readToken(frame));
      case op.WAIT:
        return this.#queued(operation);
      case op.FRAG:
        return this.#fragment(link, operation, frame);
      case op.FAIL:
        return this.#refused(link, operation, decodeFail(answers.bodyOf(frame)));
      case op.MOVD:
        return this.#moved(link, operation, frame);
      default:
        return this.#settled(link, operation, answers.readOther(frame, operation.shape));
    }
  }

  #got(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    try {
      if (!answers.isFragmented(frame))
        return this.#settled(link, operation, answers.readGot(frame, operation.shape, this.#decode));
      this.#fragments.begin(link, operation, answers.bodyOf(frame));
    } catch (error) {
      this.#finish(link, operation, undecodable(error));
    }
  }

  #fragment(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    const whole = this.#fragments.add(link, operation, frame);
    if (whole === null) return;
    try {
      this.#settled(link, operation, answers.readWhole(whole, operation.shape, this.#decode));
    } catch (error) {
      this.#finish(link, operation, undecodable(error));
    }
  }

  #done(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    try {
      this.#settled(link, operation, answers.readDone(frame, operation.shape));
    } catch (error) {
      this.#finish(link, operation, error as KeyvalError);
    }
  }

  /** The node has queued the wait: it is found there by its own, and the mark may pass it (L5). */
  #queued(operation: Operation): void {
    operation.queued = true;
    operation.deadlineMs = operation.queuedUntilMs;
    this.session.at(operation.partition).answered(operation.sequence);
  }

  #moved(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    link.pending.remove(operation);
    this.router.moved(operation.partition, answers.readMoved(frame));
    if (operation.link !== null) {
      return this.#reject(operation, new KeyvalError('KV_MOVED', `${link.endpoint} is not primary of the partition`));
    }
    this.#retryLater(operation);
  }

  #settled(link: NodeLink, operation: Operation, result: unknown): void {
    link.pending.remove(operation);
    this.#forget(operation);
    if (!operation.done) {
      operation.done = true;
      operation.resolve(result);
    }
  }

  #finish(link: NodeLink, operation: Operation, error: KeyvalError): void {
    link.pending.remove(operation);
    this.#reject(operation, error);
  }

  #reject(operation: Operation, error: KeyvalError): void {
    this.#forget(operation);
    if (operation.done) return;
    operation.done = true;
    operation.reject(error);
  }

  /** Lets go of everything kept for a request. */
  #forget(operation: Operation): void {
    this.#idle.delete(operation);
    this.#fragments.forget(operation);
    if (!operation.released) {
      operation.released = true;
      this.#active -= 1;
    }
    operation.unlisten?.();
    operation.unlisten = null;
    if (operation.sequence === NO_SEQUENCE || operation.queued) return;
    const attachment = this.session.at(operation.partition);
    if (attachment.is(operation.attachEpoch, operation.attachOperation)) attachment.answered(operation.sequence);
  }

  /** The node answered with an error. */
  #refused(link: NodeLink, operation: Operation, error: KeyvalError): void {
    link.pending.remove(operation);
    if (operation.opcode === op.ATCH || operation.opcode === op.STGE) return this.#reject(operation, error);
    if (error.code === 'KV_NO_SESSION') return this.#sessionLost(operation, error);
    this.#failed(operation, error);
  }

  #sessionLost(operation: Operation, error: KeyvalError): void {
    const attachment = this.session.at(operation.partition);
    if (attachment.is(operation.attachEpoch, operation.attachOperation))
      this.attachmentLost(operation.partition, error.message);
    operation.lastError = error;
    if (operation.opcode === op.CNCL || this.#startOver(operation)) this.#retryLater(operation);
  }

  attachmentLost(partition: number, reason: string): void {
    this.session.at(partition).lost();
    this.#events.attachmentLost(partition, reason);
  }

  /** An attempt failed with `error`. Another one follows if that is safe and the deadline allows. */
  #failed(operation: Operation, error: KeyvalError): void {
    if (operation.done) return void this.#forget(operation);
    operation.lastError = error;
    const certain = error.outcome === 'not-done' && error.code !== 'KV_NO_SESSION';
    if (error.outcome === 'unknown') operation.unknown = true;
    if (retried(error.code) && !(operation.once && error.code === 'KV_NO_QUORUM')) return this.#retryLater(operation);
    if (operation.unknown && certain && !speaksOfTheWrite(error.code))
      return this.#settleUnknown(operation, error.message);
    this.#reject(operation, error);
  }

  #settleUnknown(operation: Operation, why: string): void {
    this.#reject(operation, ambiguous(operation, why));
  }

  /** L12: decorrelated jitter, capped. A broken connection costs no delay: the request waits for the next one. */
  #retryLater(operation: Operation): void {
    if (operation.done) return void this.#forget(operation);
    operation.delayMs = nextDelayMs(operation.delayMs, RETRY_BASE_MS, RETRY_CAP_MS, this.#random);
    this.#wait(operation);
    operation.cancelRetry();
    operation.retry = this.ports.timers.after(operation.delayMs, () => {
      operation.retry = null;
      if (this.#idle.delete(operation)) this.#attempt(operation);
    });
  }

  readonly #random = (): number => this.ports.random.u32() / 2 ** 32;

  // ---- deadlines

  #sweepLater(): void {
    this.#sweepTimer = this.ports.timers.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#sweepTimer = null;
    const now = this.ports.clock.monotonicMs();
    for (const operation of [...this.#idle]) if (operation.deadlineMs <= now) this.#expire(operation);
    for (const link of this.#links) {
      for (const operation of link.pending) if (operation.deadlineMs <= now) this.#expireSent(link, operation);
    }
    if (this.#active > 0 && !this.closed) this.#sweepLater();
  }

  #expire(operation: Operation): void {
    operation.cancelRetry();
    if (operation.unknown) return this.#settleUnknown(operation, 'no answer came before the deadline');
    this.#reject(operation, operation.lastError ?? this.#unreachable(operation));
  }

  #unreachable(operation: Operation): KeyvalError {
    const placed = this.router.known && operation.partition >= 0;
    const link = operation.link ?? (placed ? this.router.linkOf(operation.partition) : this.links[0]);
    if (link === undefined || link.up)
      return new KeyvalError('KV_DEADLINE', 'the deadline passed before the request was sent');
    return link.lastError ?? new KeyvalError('KV_UNREACHABLE', `${link.endpoint} does not answer`);
  }

  #expireSent(link: NodeLink, operation: Operation): void {
    link.pending.remove(operation);
    const harmless = isHarmless(operation.opcode);
    if (!harmless) return this.#settleUnknown(operation, `${link.endpoint} did not answer before the deadline`);
    this.#reject(operation, new KeyvalError('KV_DEADLINE', `${link.endpoint} did not answer before the deadline`));
  }

  /** The caller's AbortSignal fired. */
  abort(operation: Operation, reason: unknown): void {
    if (operation.attempts > 0 && !isHarmless(operation.opcode)) {
      operation.unknown = true;
      return this.giveUp(operation, ambiguous(operation, 'it was aborted after it had been sent'));
    }
    this.giveUp(operation, new KeyvalError('KV_ABORTED', 'the request was aborted', { cause: reason }));
  }

  /** Ends a request with `error`, whatever becomes of it at the node. */
  giveUp(operation: Operation, error: KeyvalError): void {
    if (operation.done) return;
    operation.cancelRetry();
    this.#links.forget(operation);
    this.#reject(operation, error);
  }

  // ---- the end

  /** Waits at most `flushMs` until what is queued has left. */
  async close(flushMs: number): Promise<void> {
    this.closed = true;
    this.#sweepTimer?.cancel();
    const closed = new KeyvalError('KV_CLOSED', 'the client was closed');
    const abandoned = [...this.#idle, ...this.#links.drain()];
    for (const operation of abandoned) {
      operation.cancelRetry();
      if (operation.unknown || (operation.attempts > 0 && !isHarmless(operation.opcode)))
        this.#settleUnknown(operation, 'the client was closed');
      else this.#reject(operation, closed);
    }
    await this.#links.close(flushMs);
  }
}
