/**
 * Stalls told and heard. While the main thread of a node stands still, its liveness thread says so to the others (STLL), on
 * links of its own: then silence is death at 2 s and no longer at 600 ms, here and at the commander. A process that is
 * stopped as a whole says nothing. Leases stay with the main thread.
 */
import type { Log } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import type { PeerHello } from '../protocol/hello-codec.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../protocol/limits.ts';
import type { HelloFields } from '../protocol/login.ts';
import { opcodeName, STLL } from '../protocol/opcode.ts';
import { readStall, sameIncarnation } from '../protocol/peer-codec.ts';
import type { Connection, FrameHandler } from './connection.ts';
import type { Peer } from './peer.ts';
import type { LivenessPort } from './ports.ts';

/** It is told every 100 ms: it may be late, or come not at all, once. */
export const BELIEVED_MS = 300;

export interface LivenessHost {
  readonly ports: { readonly log: Log; readonly liveness?: LivenessPort };
  readonly nowMs: number;
}

interface KnownPeers {
  readonly peers: readonly Peer[];
  get(address: string): Peer | null;
}

export class LivenessLinks implements FrameHandler {
  readonly #known: KnownPeers;
  readonly #host: LivenessHost;
  readonly #handler: Pick<FrameHandler, 'closed'>;
  /** What the thread was told last, of whom it is to tell and of this node. */
  #told = '';
  #stopped = false;

  /** `handler` is told of closed links, as of those of any peer. */
  constructor(known: KnownPeers, host: LivenessHost, handler: Pick<FrameHandler, 'closed'>) {
    this.#known = known;
    this.#host = host;
    this.#handler = handler;
  }

  // ---- this node's own stalls

  /** The main thread comes round. Those with a control link know this life: they are to be told when it does not. */
  tick(hello: () => HelloFields): void {
    const { liveness } = this.#host.ports;
    if (liveness === undefined || this.#stopped) return;
    liveness.ticked();
    const addresses = this.#known.peers.filter(({ control }) => control !== null).map(({ name }) => name);
    const fields = hello();
    const news = `${fields.peer?.clusterId} ${addresses.join(' ')}`;
    if (news === this.#told) return;
    this.#told = news;
    liveness.peers(addresses, fields);
  }

  /** It will not come round again, and that is no stall. */
  stop(): void {
    this.#stopped = true;
    void this.#host.ports.liveness?.close();
  }

  // ---- those of others

  /** One for each peer: the last. @throws KeyvalError KV_BAD_REQUEST: this life of it has no other link here */
  accepted(connection: Connection, hello: PeerHello): void {
    const peer = this.#known.get(hello.address);
    if (peer === null || peer.incarnation === null || !sameIncarnation(peer.incarnation, 0, hello.incarnation)) {
      throw new KeyvalError('KV_BAD_REQUEST', `HELO: ${hello.address} has no control link here to add this one to`);
    }
    peer.liveness?.destroy();
    peer.liveness = connection;
    connection.handler = this;
    connection.peer = peer.index;
    connection.name = peer.name;
    connection.decoder.lengthMax = LOGIN_FRAME_LENGTH_MAX;
  }

  frame(connection: Connection): void {
    const peer = this.#known.peers[connection.peer] as Peer;
    const { opcode, buffer, bodyStart, bodyEnd } = connection.decoder;
    const stall = opcode === STLL ? readStall(buffer, bodyStart, bodyEnd) : null;
    if (stall === null) {
      this.#nonsense(connection, { frame: opcodeName(opcode) });
      return connection.destroy();
    }
    const { incarnation, nodeId, stalledMs } = stall;
    const isPresent = peer.incarnation !== null && sameIncarnation(peer.incarnation, 0, incarnation);
    if (!isPresent || nodeId !== peer.nodeId) return;
    const { nowMs, ports } = this.#host;
    if (!peer.isStalled(nowMs)) ports.log.write('warn', 'peer stalled', { peer: peer.name, forMs: stalledMs });
    peer.stalledUntilMs = nowMs + BELIEVED_MS;
  }

  #nonsense(connection: Connection, what: Readonly<Record<string, unknown>>): void {
    this.#host.ports.log.write('error', 'peer sent nonsense', { peer: connection.name, ...what });
  }

  badLength(connection: Connection, length: number): void {
    this.#nonsense(connection, { frameBytes: length });
  }

  closed(connection: Connection, error: Error | null): void {
    this.#handler.closed(connection, error);
  }
}
