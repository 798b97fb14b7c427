/**
 * The links to the other nodes, named by their addresses: dialled or accepted, renewed after a loss, told apart by
 * incarnation (R3), and watched for silence. A link that is replaced counts as lost for everything that was under way on it.
 */
import { parseAddress } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { NO_MEMBER } from '../cluster/book.ts';
import { KeyvalError } from '../errors.ts';
import { type Hello, Role, type Welcome } from '../protocol/hello-codec.ts';
import { FRAME_LENGTH_MAX } from '../protocol/limits.ts';
import type { HelloFields } from '../protocol/login.ts';
import { sameIncarnation } from '../protocol/peer-codec.ts';
import type { Connection, FrameHandler } from './connection.ts';
import { Dialer, type DialerHost } from './dialer.ts';
import { LivenessLinks } from './liveness-links.ts';
import { HEARTBEAT_MS, Peer, type PeerState, SILENCE_MS } from './peer.ts';
import { checkClusters, type PeerIdentity } from './peer-hello.ts';
import type { NodePorts } from './ports.ts';
import type { NodeSettings } from './settings.ts';
import { Stages } from './stages.ts';

/** Large values that one primary may have staged here at a time. */
const PEER_STAGES_MAX = 64;
/** Members, and nodes that are or were about to be some. */
const PEERS_MAX = 1024;
/** After a gap between ticks longer than this the node itself had stopped: nobody else is called silent for it. */
const OWN_PAUSE_MS: number = 2 * HEARTBEAT_MS;

/** A link that brings nothing for this long is given up and dialled anew: packets may vanish without a word. */
const GIVE_UP_MS = 15_000;
/** Of each pair the one that sorts first dials; when no link has come about for this long, the other does, too. */
const DIAL_TOO_MS = 1000;

export interface LinksHost {
  readonly incarnation: Uint8Array;
  readonly identity: PeerIdentity;
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly nowMs: number;
  readonly stopping: boolean;
  /** Says something to a peer, as often as this node ticks. */
  beat(peer: Peer, connection: Connection): void;
  touch(): number;
  nextConnectionId(): number;
  /** Keeps a connection that this node has opened. */
  keep(connection: Connection): void;
  /** The peer is another life than before, or is met for the first time. */
  met(peer: Peer): void;
  /** The control link is up, for the first time or again. `clusterId` as the other said it. */
  linked(peer: Peer, clusterId: string): void;
  /** The control link is gone: nothing sent on it can be counted on. */
  controlLost(peer: Peer): void;
  bulkLost(peer: Peer): void;
  bulkLinked(peer: Peer): void;
}

export class Links {
  readonly peers: Peer[] = [];
  readonly #host: LinksHost;
  readonly #handler: FrameHandler;
  readonly #byName: Map<string, Peer> = new Map();
  readonly #dialers: Map<Peer, Dialer[]> = new Map();
  readonly #liveness: LivenessLinks;
  #lastTickMs = 0;
  #started = false;
  #stopped = false;

  /** `handler` takes the frames of peers. */
  constructor(host: LinksHost, handler: FrameHandler) {
    this.#host = host;
    this.#handler = handler;
    this.#liveness = new LivenessLinks(this, host, handler);
  }

  start(): void {
    this.#started = true;
    this.#lastTickMs = this.#host.nowMs;
    for (const peer of this.peers) this.#dialFirst(peer);
  }

  get(address: string): Peer | null {
    return this.#byName.get(address) ?? null;
  }

  /** The peer at `address`; a link to it is kept from now on. */
  to(address: string): Peer {
    const known = this.#byName.get(address);
    if (known?.forgotten) {
      known.forgotten = false;
      if (this.#started) this.#dialFirst(known);
    }
    if (known !== undefined) return known;
    assert(address !== this.#host.settings.address, 'links: nobody is a peer of its own');
    const parsed = parseAddress(address);
    assert(parsed !== null, 'links: members are addresses');
    const peer = new Peer(this.#freePlace(), address, parsed, new Stages(PEER_STAGES_MAX, () => true));
    peer.lostAtMs = this.#host.nowMs;
    this.peers[peer.index] = peer;
    this.#byName.set(address, peer);
    if (this.#started) this.#dialFirst(peer);
    return peer;
  }

  /** Whoever logs in as a node is remembered, but not without end: the place of one that is no member is used again. */
  #freePlace(): number {
    if (this.peers.length < PEERS_MAX) return this.peers.length;
    let oldest: Peer | null = null;
    for (const peer of this.peers) {
      const isIdle = peer.slot === NO_MEMBER && peer.control === null && peer.bulk === null && peer.liveness === null;
      if (isIdle && (oldest === null || peer.lostAtMs < oldest.lostAtMs)) oldest = peer;
    }
    if (oldest === null)
      throw new KeyvalError('KV_OVERLOADED', `${PEERS_MAX} nodes are linked here; no more are let in`);
    this.forget(oldest.name);
    this.#byName.delete(oldest.name);
    return oldest.index;
  }

  /** The node at `address` is no member any more: it is not dialled again. */
  forget(address: string): void {
    const peer = this.#byName.get(address);
    if (peer === undefined) return;
    peer.forgotten = true;
    for (const dialer of this.#dialers.get(peer) ?? []) dialer.stopDialling();
    this.#dialers.delete(peer);
  }

  /** Of each pair the one that sorts first dials. */
  #dialFirst(peer: Peer): void {
    if (this.#host.settings.address < peer.name) this.#dial(peer);
  }

  #dial(peer: Peer): void {
    if (this.#stopped || peer.forgotten || this.#dialers.has(peer)) return;
    const dialers = [Role.control, Role.bulk].map((role) => {
      const hello = (): HelloFields => this.#hello(role);
      return new Dialer(peer, hello, this.#dialerHost(role), () => linkOf(peer, role) !== null);
    });
    this.#dialers.set(peer, dialers);
    for (const dialer of dialers) void dialer.start();
  }

  #hello(role: number): HelloFields {
    const { identity, incarnation, settings } = this.#host;
    return {
      role,
      flags: 0,
      cluster: settings.cluster,
      name: settings.address,
      owner: null,
      peer: { incarnation, ...identity },
    };
  }

  #dialerHost(role: number): DialerHost {
    const host = this.#host;
    return {
      ...host.ports,
      secret: host.settings.secret,
      touch: () => host.touch(),
      nextConnectionId: () => host.nextConnectionId(),
      linked: (peer, connection, welcome) => this.#dialled(peer, connection, welcome, role),
      linkRefused: (peer, error) => this.#refused(peer, error),
    };
  }

  #dialled(peer: Peer, connection: Connection, welcome: Welcome, role: number): void {
    if (welcome.address !== peer.name) {
      throw new KeyvalError(
        'KV_CONFIG_MISMATCH',
        `at ${peer.name} answers a node that calls itself ${welcome.address}`,
      );
    }
    checkClusters(peer.name, welcome.clusterId, this.#host.identity.clusterId);
    this.#take(peer, connection, welcome, role);
    this.#host.keep(connection);
  }

  /** A peer has logged in here. @throws KeyvalError KV_CONFIG_MISMATCH */
  accepted(connection: Connection, hello: Hello): void {
    assert(hello.peer !== null, 'links: a peer says who it is');
    if (hello.role === Role.liveness) return this.#liveness.accepted(connection, hello.peer);
    if (parseAddress(hello.peer.address) === null) {
      throw new KeyvalError('KV_BAD_REQUEST', `HELO: '${hello.peer.address}' is no address`);
    }
    this.#take(this.to(hello.peer.address), connection, hello.peer, hello.role);
  }

  #take(peer: Peer, connection: Connection, other: OtherNode, role: number): void {
    const { incarnation, nodeId, clusterId } = other;
    const known = peer.incarnation !== null && sameIncarnation(peer.incarnation, 0, incarnation);
    this.#checkTwins(peer, nodeId);
    if (!known) this.#newIncarnation(peer, incarnation);
    peer.nodeId = nodeId;
    connection.handler = this.#handler;
    connection.peer = peer.index;
    connection.name = peer.name;
    connection.decoder.lengthMax = FRAME_LENGTH_MAX;
    connection.onDrained = (): void => this.#host.ports.turn.wake();
    if (role === Role.bulk) this.#takeBulk(peer, connection);
    else this.#takeControl(peer, connection, clusterId);
  }

  /** @throws KeyvalError KV_CONFIG_MISMATCH: a state directory was copied, two nodes would vote as one */
  #checkTwins(peer: Peer, nodeId: number): void {
    const { identity, settings } = this.#host;
    const twin = this.peers.find((one) => one !== peer && one.nodeId === nodeId && one.healthy)?.name;
    const name = identity.nodeId === nodeId ? settings.address : twin;
    if (name === undefined) return;
    throw new KeyvalError(
      'KV_CONFIG_MISMATCH',
      `${peer.name} and ${name} have the same node id: a state directory was copied; give one of them a new one (--data)`,
    );
  }

  /** @throws KeyvalError KV_CONFIG_MISMATCH while the life before is still heard: two processes claim one address */
  #newIncarnation(peer: Peer, incarnation: Uint8Array): void {
    if (peer.control !== null && this.#host.nowMs - peer.heardAtMs < SILENCE_MS) {
      throw new KeyvalError(
        'KV_CONFIG_MISMATCH',
        `another process is connected as ${peer.name}; it was heard just now`,
      );
    }
    peer.bulk?.destroy();
    peer.control?.destroy();
    peer.incarnation = incarnation.slice();
    peer.stalledUntilMs = Number.NEGATIVE_INFINITY;
    peer.stages.clear();
    peer.lease.restart();
    this.#host.met(peer);
  }

  #takeBulk(peer: Peer, connection: Connection): void {
    const old = peer.bulk;
    peer.bulk = connection;
    if (old !== null) {
      old.destroy();
      this.#host.bulkLost(peer);
    }
    this.#host.bulkLinked(peer);
  }

  #takeControl(peer: Peer, connection: Connection, clusterId: string): void {
    const old = peer.control;
    peer.control = connection;
    peer.heardAtMs = this.#host.nowMs;
    peer.appending = false;
    peer.acknowledging = false;
    if (old !== null) {
      old.destroy();
      this.#host.controlLost(peer);
    }
    this.#setState(peer, 'up', '');
    this.#host.linked(peer, clusterId);
  }

  #refused(peer: Peer, error: KeyvalError): void {
    if (peer.control === null) this.#setState(peer, 'refused', `${error.code}: ${error.message}`);
  }

  /** A connection to a peer has closed. */
  closed(connection: Connection, error: Error | null): void {
    const peer = this.peers[connection.peer] as Peer;
    if (peer.liveness === connection) peer.liveness = null;
    if (peer.bulk === connection) {
      peer.bulk = null;
      this.#host.bulkLost(peer);
    }
    if (peer.control === connection) {
      peer.control = null;
      peer.lostAtMs = this.#host.nowMs;
      peer.appending = false;
      peer.acknowledging = false;
      this.#setState(peer, 'connecting', `the link broke${error === null ? '' : `: ${error.message}`}`);
      this.#host.controlLost(peer);
    }
    for (const dialer of this.#dialers.get(peer) ?? []) dialer.lost(connection);
  }

  #setState(peer: Peer, state: PeerState, reason: string): void {
    peer.reason = reason;
    if (peer.state === state) return;
    const before = peer.state;
    peer.state = state;
    if (this.#host.stopping) return;
    this.#host.ports.log.write(state === 'up' ? 'info' : 'warn', `peer ${state}`, { peer: peer.name, before, reason });
  }

  /** Beats, and looks who is silent. True when this node itself had stopped since the last tick. */
  tick(): boolean {
    const { nowMs } = this.#host;
    const paused = nowMs - this.#lastTickMs > OWN_PAUSE_MS;
    this.#lastTickMs = nowMs;
    for (const peer of this.peers) this.#tickPeer(peer, paused);
    this.#liveness.tick(() => this.#hello(Role.liveness));
    return paused;
  }

  #tickPeer(peer: Peer, paused: boolean): void {
    const { nowMs } = this.#host;
    if (paused) peer.heardAtMs = nowMs;
    if (peer.control === null) {
      if (nowMs - peer.lostAtMs > DIAL_TOO_MS) this.#dial(peer);
      return;
    }
    const silentMs = Math.round(nowMs - peer.heardAtMs);
    if (silentMs > GIVE_UP_MS) return peer.control.destroy();
    if (silentMs > SILENCE_MS) this.#setState(peer, 'silent', `silent for ${silentMs} ms`);
    else if (peer.state === 'silent') this.#setState(peer, 'up', '');
    if (peer.control.frames.queuedBytes <= FRAME_LENGTH_MAX) this.#host.beat(peer, peer.control);
  }

  /** Keeps the links there are, dials no more. What stands still from now on is over, not busy. */
  stopDialling(): void {
    this.#stopped = true;
    this.#liveness.stop();
    for (const dialers of this.#dialers.values()) for (const dialer of dialers) dialer.stopDialling();
  }

  stop(): void {
    this.#stopped = true;
    for (const dialers of this.#dialers.values()) for (const dialer of dialers) dialer.stop();
  }
}

interface OtherNode {
  readonly incarnation: Uint8Array;
  readonly nodeId: number;
  readonly clusterId: string;
}

function linkOf(peer: Peer, role: number): Connection | null {
  return role === Role.bulk ? peer.bulk : peer.control;
}
