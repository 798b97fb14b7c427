/**
 * Brings requests to the primary and answers back, while primaries, members and connections change: the parts that do
 * it, and what happens when the cluster is heard of.
 *
 *      submit ─► Sender ─► link ─► node ─► link ─► Replies ─► Endings
 *                  ▲                                  │
 *                  └──────────── Waiting ◄──────── Retries
 */
import { readBigU64, readU16, readU32 } from '../base/bytes.ts';
import { LOCK_MODES } from '../base/lock-mode.ts';
import { KeyvalError } from '../errors.ts';
import * as codec from '../protocol/client-codec.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import type { RoutingTable, Welcome } from '../protocol/hello-codec.ts';
import { ATCH } from '../protocol/opcode.ts';
import type { Codec } from './codecs.ts';
import { Deadlines } from './deadlines.ts';
import { Endings } from './endings.ts';
import { FragmentedReplies } from './fragmented-replies.ts';
import { LinkSet } from './link-set.ts';
import { type ClientPorts, type LinkOptions, type LinkOwner, NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import { Replies } from './replies.ts';
import { Retries } from './retries.ts';
import { Router } from './router.ts';
import { Sender } from './sender.ts';
import { NO_SEQUENCE, Session } from './session.ts';
import { ambiguous, isHarmless } from './verdict.ts';
import { Waiting } from './waiting.ts';

export interface DispatcherEvents {
  linkChanged(link: NodeLink, state: 'connected' | 'disconnected' | 'refused', error: KeyvalError | null): void;
  /** The session is attached to `partition`, perhaps; what waited for that goes out afterwards. */
  attached(partition: number): void;
  /** The session is no longer attached to `partition`: what it held there is lost. */
  attachmentLost(partition: number, reason: string): void;
  /** These have another primary now, or theirs is connected anew: it has not heard of the session for a while. */
  primariesFound(partitions: readonly number[]): void;
  /** Somebody waits for the lock of that partition and token, in that mode. */
  lockWanted(partition: number, token: bigint, sequence: number, mode: number): void;
  /** The lock of that partition and token was taken away. */
  lockBroken(partition: number): void;
}

export class Dispatcher implements LinkOwner {
  readonly router: Router = new Router();
  readonly session: Session;
  readonly ports: ClientPorts;
  closed = false;
  /** Of the cluster whose table counts; empty: not known yet. */
  #clusterId = '';
  readonly #links: LinkSet;
  readonly #events: DispatcherEvents;
  readonly #fragments: FragmentedReplies = new FragmentedReplies();
  readonly #waiting: Waiting;
  readonly #endings: Endings;
  readonly #retries: Retries;
  readonly #sender: Sender;
  readonly #replies: Replies;
  readonly #deadlines: Deadlines;

  constructor(
    endpoints: readonly string[],
    ports: ClientPorts,
    options: LinkOptions,
    leaseMs: number,
    decode: Codec<unknown>,
    events: DispatcherEvents,
  ) {
    const { clock, timers, random } = ports;
    const session = new Session(leaseMs, ports.random, options.owner);
    const waiting = new Waiting(ports, (operation) => this.#sender.attempt(operation));
    const fragments = this.#fragments;
    const endings = new Endings(session, waiting, fragments);
    const links = new LinkSet(endpoints, (endpoint) => new NodeLink(endpoint, ports, options, this));
    const attachmentLost = this.attachmentLost.bind(this);
    const retries = new Retries({ clock, session, waiting, endings, fragments, attachmentLost });
    const { router } = this;
    this.ports = ports;
    this.session = session;
    this.#events = events;
    this.#waiting = waiting;
    this.#endings = endings;
    this.#links = links;
    this.#retries = retries;
    const { name } = options;
    const attached = events.attached.bind(events);
    this.#sender = new Sender({ clock, random, name, router, session, waiting, endings, retries, attached });
    this.#replies = new Replies({ router, session, endings, retries, fragments, decode });
    this.#deadlines = new Deadlines({
      timers,
      clock,
      router,
      session,
      links,
      waiting,
      endings,
      swept: () => this.#letGo(),
      askElsewhere: (operation) => this.#askElsewhere(operation),
    });
    links.openGiven();
  }

  get links(): readonly NodeLink[] {
    return [...this.#links];
  }

  // ---- requests

  /** Takes a request. It settles exactly once. */
  submit(operation: Operation): void {
    this.#endings.active += 1;
    if (this.closed) return this.#endings.abandon(operation);
    this.#deadlines.watch();
    this.#sender.attempt(operation);
  }

  reply(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    this.#replies.take(link, operation, frame);
  }

  wanted(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < codec.WANTED_SEQUENCE) return;
    const mode = bytes[start + codec.WANTED_MODE] as number;
    if (mode >= LOCK_MODES) return;
    const token = readBigU64(bytes, start + codec.WANTED_TOKEN);
    const names = end - start >= codec.WANTED_SEQUENCE + 4;
    const sequence = names ? readU32(bytes, start + codec.WANTED_SEQUENCE) : NO_SEQUENCE;
    this.#events.lockWanted(readU16(bytes, start + codec.WANTED_PARTITION), token, sequence, mode);
  }

  lost(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < codec.LOST_BYTES || bytes[start + codec.LOST_CAUSE] !== codec.LostCause.broken) return;
    this.#events.lockBroken(readU16(bytes, start + codec.LOST_PARTITION));
  }

  attachmentLost(partition: number, reason: string): void {
    this.session.at(partition).lost();
    this.#events.attachmentLost(partition, reason);
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
    this.#endings.reject(operation, error);
  }

  // ---- the cluster

  /** A node of another founding is refused while one of the known cluster is reached. */
  admit({ clusterId }: Welcome): void {
    if (clusterId === '' || this.#clusterId === '' || clusterId === this.#clusterId) return;
    // One that belonged to none yet when it let this client in says nothing of the known cluster.
    if (!this.links.some((link) => link.up && link.clusterId === this.#clusterId)) return;
    throw new KeyvalError('KV_WRONG_CLUSTER', `the node belongs to cluster ${clusterId}, others to ${this.#clusterId}`);
  }

  /** Versions count within one founding. When nobody of the known cluster is reached, it may have been founded anew. */
  linkUp(link: NodeLink, table: RoutingTable): void {
    const sameCluster = link.clusterId !== '' && link.clusterId === this.#clusterId;
    const changed = this.#learn(table, !sameCluster && !this.#links.anyUp(link)) ?? [];
    if (link.clusterId !== '') this.#clusterId = link.clusterId;
    for (const member of this.router.links) member.open();
    this.#letGo();
    this.#events.linkChanged(link, 'connected', null);
    this.#waiting.wakeAll();
    this.#events.primariesFound([...changed, ...this.router.ownedBy(link, this.session.attached())]);
  }

  tablePushed(_link: NodeLink, table: RoutingTable): void {
    const changed = this.#learn(table, false);
    if (changed === null) return;
    for (const member of this.router.links) member.open();
    this.#letGo();
    this.#waiting.wakeAll();
    this.#events.primariesFound(changed);
  }

  #learn(table: RoutingTable, anew: boolean): readonly number[] | null {
    const isFirst = !this.router.known;
    const changed = this.router.learn(table, (address) => this.#links.to(address), anew);
    if (changed === null || isFirst) return changed;
    this.#waiting.failureSeen();
    if (changed.length > 0) this.#takeBack();
    return changed;
  }

  /** An old primary may be cut off and never answer: what it was asked goes to the new one, under the same sequence (R22). */
  #takeBack(): void {
    for (const link of this.#links) {
      if (link.pending.size === 0) continue;
      for (const operation of link.pending.take((one) => this.#isElsewhere(one, link))) {
        if (this.#retries.takenBack(operation, link)) this.#sender.attempt(operation);
      }
    }
  }

  /** A read that any replica may answer has waited long for one: it is frozen, perhaps. */
  #askElsewhere(operation: Operation): void {
    this.#fragments.forget(operation);
    this.#sender.attempt(operation);
  }

  #isElsewhere(operation: Operation, link: NodeLink): boolean {
    const isBound = operation.link !== null && operation.opcode !== ATCH;
    if (operation.partition < 0 || isBound) return false;
    const primary = this.router.linkOf(operation.partition);
    return primary !== null && primary !== link;
  }

  /** Closes the links to nodes that are members no more. */
  #letGo(): void {
    for (const link of this.#links.letGo(this.router.links)) {
      const error = new KeyvalError('KV_UNREACHABLE', `${link.endpoint} is no member of the cluster any more`);
      this.linkFailed(link, error);
      this.#events.linkChanged(link, 'disconnected', error);
    }
  }

  linkDown(link: NodeLink, unanswered: readonly Operation[], error: KeyvalError): void {
    this.#waiting.failureSeen();
    this.#fragments.dropLink(link);
    this.#events.linkChanged(link, 'disconnected', error);
    for (const operation of unanswered) this.#retries.interrupted(operation, error);
    if (!this.#links.anyUp()) this.#links.openGiven();
  }

  /** What can go nowhere else, such as a question to this very node, fails at once. */
  linkFailed(link: NodeLink, error: KeyvalError): void {
    for (const operation of this.#waiting.all()) {
      if (operation.link === link && operation.body !== null) this.#endings.reject(operation, error);
    }
  }

  linkRefused(link: NodeLink, error: KeyvalError): void {
    this.linkFailed(link, error);
    this.#events.linkChanged(link, 'refused', error);
  }

  // ---- the end

  /** Waits at most `flushMs` until what is queued has left. */
  async close(flushMs: number): Promise<void> {
    this.closed = true;
    this.#deadlines.stop();
    for (const operation of [...this.#waiting.all(), ...this.#links.drain()]) this.#endings.abandon(operation);
    await this.#links.close(flushMs);
  }
}
