/**
 * The links to the other members: dialled or accepted, renewed after a loss, told apart by incarnation (R3), and watched
 * for silence. A link that is replaced counts as lost for everything that was under way on it.
 */
import { parseAddress } from '../base/address.ts';
import { assert } from '../base/assert.ts';
import { KeyvalError } from '../errors.ts';
import { type Hello, INCARNATION_BYTES, Role, type Welcome } from '../protocol/hello-codec.ts';
import { FRAME_LENGTH_MAX } from '../protocol/limits.ts';
import { BEAT } from '../protocol/opcode.ts';
import { BeatFlag, sameIncarnation } from '../protocol/peer-codec.ts';
import type { Connection, FrameHandler } from './connection.ts';
import { Dialer, type DialerHost } from './dialer.ts';
import { HEARTBEAT_MS, Peer, type PeerState, SILENCE_MS } from './peer.ts';
import type { PeerIdentity } from './peer-hello.ts';
import type { NodePorts } from './ports.ts';
import type { NodeSettings } from './settings.ts';
import { Stages } from './stages.ts';

/** Large values that one primary may have staged here at a time. */
const PEER_STAGES_MAX = 64;
/** After a gap between ticks longer than this the node itself had stopped: nobody else is called silent for it. */
const OWN_PAUSE_MS: number = 2 * HEARTBEAT_MS;

/** A link that brings nothing for this long is given up and dialled anew: packets may vanish without a word. */
const GIVE_UP_MS = 15_000;

export interface LinksHost {
  readonly incarnation: Uint8Array;
  readonly identity: PeerIdentity;
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly nowMs: number;
  readonly stopping: boolean;
  /** This node has reached its memory limit. */
  readonly memoryFull: boolean;
  touch(): number;
  nextConnectionId(): number;
  /** Keeps a connection that this node has opened. */
  keep(connection: Connection): void;
  /** The peer lost its memory: it is another one than before. */
  restarted(peer: Peer): void;
  /** The control link is up, for the first time or again. */
  linked(peer: Peer): void;
  /** The control link is gone: nothing sent on it can be counted on. */
  controlLost(peer: Peer): void;
  bulkLost(peer: Peer): void;
  bulkLinked(peer: Peer): void;
}

export class Links {
  /** By member; null for this node itself. */
  readonly peers: readonly (Peer | null)[];
  readonly #host: LinksHost;
  readonly #handler: FrameHandler;
  readonly #dialers: Dialer[] = [];
  #lastTickMs = 0;

  /** `handler` takes the frames of peers. */
  constructor(host: LinksHost, self: number, handler: FrameHandler) {
    this.#host = host;
    this.#handler = handler;
    this.peers = host.settings.members.map((name, member) => (member === self ? null : newPeer(name, member)));
  }

  /** Of each pair of members the one that sorts first dials. */
  start(self: number): void {
    this.#lastTickMs = this.#host.nowMs;
    for (const peer of this.peers) if (peer !== null && self < peer.member) this.#dial(peer);
  }

  #dial(peer: Peer): void {
    const { identity, incarnation, settings } = this.#host;
    for (const role of [Role.control, Role.bulk]) {
      const hello = {
        role,
        flags: 0,
        cluster: settings.cluster,
        name: settings.address,
        peer: { incarnation, ...identity },
      };
      const dialer = new Dialer(peer, hello, this.#dialerHost(role));
      this.#dialers.push(dialer);
      void dialer.start();
    }
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
    const { members, self } = welcome.table;
    if (members[self] !== peer.name) {
      throw new KeyvalError('KV_CONFIG_MISMATCH', `at ${peer.name} answers a node that calls itself ${members[self]}`);
    }
    this.#take(peer, connection, welcome.incarnation, role);
    this.#host.keep(connection);
  }

  /** A peer has logged in here. */
  accepted(connection: Connection, hello: Hello): void {
    assert(hello.peer !== null, 'links: a peer says who it is');
    const peer = this.peers[this.#host.settings.members.indexOf(hello.peer.address)] as Peer;
    this.#take(peer, connection, hello.peer.incarnation, hello.role);
  }

  #take(peer: Peer, connection: Connection, incarnation: Uint8Array, role: number): void {
    const known = peer.incarnation !== null && sameIncarnation(peer.incarnation, 0, incarnation);
    if (!known) this.#newIncarnation(peer, incarnation);
    connection.handler = this.#handler;
    connection.peer = peer.member;
    connection.name = peer.name;
    connection.decoder.lengthMax = FRAME_LENGTH_MAX;
    connection.onDrained = (): void => this.#host.ports.turn.wake();
    if (role === Role.bulk) this.#takeBulk(peer, connection);
    else this.#takeControl(peer, connection);
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
    peer.life += 1;
    peer.stages.clear();
    if (peer.life > 0) this.#host.restarted(peer);
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

  #takeControl(peer: Peer, connection: Connection): void {
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
    this.#host.linked(peer);
  }

  #refused(peer: Peer, error: KeyvalError): void {
    if (peer.control === null) this.#setState(peer, 'refused', `${error.code}: ${error.message}`);
  }

  /** A connection to a peer has closed. */
  closed(connection: Connection, error: Error | null): void {
    const peer = this.peers[connection.peer] as Peer;
    if (peer.bulk === connection) {
      peer.bulk = null;
      this.#host.bulkLost(peer);
    }
    if (peer.control === connection) {
      peer.control = null;
      peer.appending = false;
      peer.acknowledging = false;
      this.#setState(peer, 'connecting', `the link broke${error === null ? '' : `: ${error.message}`}`);
      this.#host.controlLost(peer);
    }
    for (const dialer of this.#dialers) dialer.lost(connection);
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
    for (const peer of this.peers) if (peer !== null) this.#tickPeer(peer, paused);
    return paused;
  }

  #tickPeer(peer: Peer, paused: boolean): void {
    const { nowMs, incarnation, memoryFull } = this.#host;
    if (paused) peer.heardAtMs = nowMs;
    if (peer.control === null) return;
    const silentMs = Math.round(nowMs - peer.heardAtMs);
    if (silentMs > GIVE_UP_MS) return peer.control.destroy();
    if (silentMs > SILENCE_MS) this.#setState(peer, 'silent', `silent for ${silentMs} ms`);
    else if (peer.state === 'silent') this.#setState(peer, 'up', '');
    const { frames } = peer.control;
    if (frames.queuedBytes > FRAME_LENGTH_MAX) return;
    frames.begin(BEAT, 0);
    frames.bytes(incarnation, 0, INCARNATION_BYTES);
    frames.u8(memoryFull ? BeatFlag.memoryFull : 0);
    frames.end();
  }

  /** Keeps the links there are, dials no more. */
  stopDialling(): void {
    for (const dialer of this.#dialers) dialer.stopDialling();
  }

  stop(): void {
    for (const dialer of this.#dialers) dialer.stop();
  }
}

function newPeer(name: string, member: number): Peer {
  const address = parseAddress(name);
  assert(address !== null, 'links: members are addresses');
  return new Peer(member, name, address, new Stages(PEER_STAGES_MAX, () => true));
}
