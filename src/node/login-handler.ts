/**
 * The node's side of the login: who may come in as what. A refused caller gets one FAIL with a code and is closed; the
 * refusal is logged once per cause and caller, so that a peer that tries again and again does not fill the log.
 */
import { assert } from '../base/assert.ts';
import { hexOf } from '../base/bytes.ts';
import { type Crypto, IN_PROCESS, type Log, type Random } from '../base/ports.ts';
import { codes, KeyvalError } from '../errors.ts';
import { writeFail } from '../protocol/client-codec.ts';
import { decodeHello, encodeWelcome, type Hello, HelloFlag, Role, type RoutingTable } from '../protocol/hello-codec.ts';
import {
  CLIENT_FRAME_LENGTH_MAX,
  LOGIN_FRAME_LENGTH_MAX,
  LOGIN_TIMEOUT_MS,
  PROTOCOL_VERSION,
  PROTOCOL_VERSION_OLDEST,
} from '../protocol/limits.ts';
import { Callee } from '../protocol/login.ts';
import { FAIL, HELO, opcodeName, PROV, WLCM } from '../protocol/opcode.ts';
import { type Connection, type FrameHandler, NOBODY } from './connection.ts';
import { checkPeerHello, type PeerIdentity } from './peer-hello.ts';
import type { NodeSettings } from './settings.ts';

export interface LoginHost {
  readonly settings: NodeSettings;
  readonly identity: PeerIdentity;
  readonly incarnation: Uint8Array;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly log: Log;
  readonly stopping: boolean;
  /** No further client is let in. */
  readonly full: boolean;
  table(): RoutingTable;
  /** The connection is a client's from now on. */
  welcomeClient(connection: Connection): void;
  /** The connection is a peer's link from now on. @throws KeyvalError when the peer is refused */
  welcomePeer(connection: Connection, hello: Hello): void;
  loginEnded(connection: Connection): void;
}

interface Pending {
  readonly callee: Callee;
  hello: Hello | null;
}

export class LoginHandler implements FrameHandler {
  readonly #host: LoginHost;
  readonly #pending: Map<number, Pending> = new Map();
  readonly #told: Set<string> = new Set();

  constructor(host: LoginHost) {
    this.#host = host;
  }

  frame(connection: Connection): void {
    try {
      this.#step(connection);
    } catch (error) {
      if (!(error instanceof KeyvalError)) throw error;
      this.#refuse(connection, error);
    }
  }

  #step(connection: Connection): void {
    const { decoder } = connection;
    const body = decoder.buffer.slice(decoder.bodyStart, decoder.bodyEnd);
    const pending = this.#pending.get(connection.id);
    if (decoder.opcode === HELO && pending === undefined) return this.#hello(connection, body);
    if (decoder.opcode === PROV && pending !== undefined && pending.hello !== null) {
      pending.callee.proof(body);
      return this.#welcome(connection, pending.callee, pending.hello);
    }
    throw new KeyvalError(
      'KV_BAD_FRAME',
      `expected ${pending ? 'PROV' : 'HELO'} first, got ${opcodeName(decoder.opcode)}`,
    );
  }

  #hello(connection: Connection, body: Uint8Array): void {
    const host = this.#host;
    const hello = decodeHello(body);
    if (host.stopping) throw new KeyvalError('KV_STOPPING', `${host.settings.address} is stopping`);
    checkHello(hello, host.settings);
    const callee = new Callee(host.settings.secret, host.crypto, host.random);
    this.#pending.set(connection.id, { callee, hello });
    if (callee.hello(body, connection.frames)) this.#welcome(connection, callee, hello);
  }

  #welcome(connection: Connection, callee: Callee, hello: Hello): void {
    const host = this.#host;
    if (hello.peer !== null) checkPeerHello(hello.peer, host.identity);
    else if (host.full && connection.channel.remoteAddress !== IN_PROCESS) {
      const text = `${host.settings.address} has its ${host.settings.connectionsMax} clients (--max-connections)`;
      throw new KeyvalError('KV_OVERLOADED', text);
    }
    this.#pending.delete(connection.id);
    connection.loggedIn();
    connection.name = hello.name;
    connection.owner = hello.owner === null ? NOBODY : hexOf(hello.owner);
    connection.routes = (hello.flags & HelloFlag.routes) !== 0;
    connection.decoder.lengthMax = CLIENT_FRAME_LENGTH_MAX;
    connection.frames.begin(WLCM, 0);
    encodeWelcome(connection.frames, {
      version: Math.min(hello.version, PROTOCOL_VERSION),
      incarnation: host.incarnation,
      proof: callee.ownProof(),
      table: host.table(),
      nodeId: host.identity.nodeId,
      clusterId: host.identity.clusterId,
      address: host.settings.address,
    });
    connection.frames.end();
    if (hello.peer === null) host.welcomeClient(connection);
    else this.#welcomePeer(connection, hello);
  }

  /** Behind WLCM, for a link may have something to say at once. @throws KeyvalError when the peer is refused after all */
  #welcomePeer(connection: Connection, hello: Hello): void {
    const { frames } = connection;
    const { length } = frames;
    try {
      this.#host.welcomePeer(connection, hello);
    } catch (error) {
      assert(frames.length === length, 'login: a peer that is refused was told nothing');
      frames.abandon();
      throw error;
    }
  }

  #refuse(connection: Connection, error: KeyvalError): void {
    writeFail(connection.frames, FAIL, connection.decoder.messageId, codes[error.code].wire, error.message);
    this.#tell(connection, error.code, error.message);
    connection.endSoon();
  }

  badLength(connection: Connection, length: number): void {
    const text = `a frame of ${length} bytes was announced; 8 to ${LOGIN_FRAME_LENGTH_MAX} are allowed before the login`;
    writeFail(connection.frames, FAIL, 0, codes.KV_BAD_FRAME.wire, text);
    this.#tell(connection, 'KV_BAD_FRAME', text);
  }

  #tell(connection: Connection, code: string, message: string): void {
    const host = connection.channel.remoteAddress.replace(/:\d+$/, '');
    const cause = `${code} ${host} ${message}`;
    if (this.#told.has(cause)) return;
    if (this.#told.size >= 1000) this.#told.clear();
    this.#told.add(cause);
    this.#host.log.write('warn', 'login refused', { from: connection.channel.remoteAddress, code, message });
  }

  /** The login has taken too long. */
  tooLate(connection: Connection): void {
    const text = `no login within ${LOGIN_TIMEOUT_MS} ms`;
    writeFail(connection.frames, FAIL, 0, codes.KV_DEADLINE.wire, text);
    this.#tell(connection, 'KV_DEADLINE', text);
    connection.endSoon();
  }

  closed(connection: Connection): void {
    this.#pending.delete(connection.id);
    this.#host.loginEnded(connection);
  }
}

function checkHello(hello: Hello, settings: NodeSettings): void {
  if (hello.versionOldest > PROTOCOL_VERSION || hello.version < PROTOCOL_VERSION_OLDEST) {
    throw new KeyvalError(
      'KV_VERSION',
      `the caller speaks protocol versions ${hello.versionOldest} to ${hello.version}, this node ${PROTOCOL_VERSION_OLDEST} to ${PROTOCOL_VERSION}; upgrade the older one`,
    );
  }
  if (hello.cluster !== settings.cluster) {
    throw new KeyvalError(
      'KV_WRONG_CLUSTER',
      `this node belongs to the cluster '${settings.cluster}', the caller asked for '${hello.cluster}'; check --cluster`,
    );
  }
  if (hello.role > Role.liveness) throw new KeyvalError('KV_BAD_REQUEST', `HELO: there is no role ${hello.role}`);
}
