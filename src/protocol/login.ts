/**
 * The login as two state machines without I/O: `Caller` for whoever connects, `Callee` for the node. Layouts and the
 * order of frames stand in hello-codec.ts. Both prove knowledge of the secret over both nonces and the whole HELO body.
 */

import { readU16 } from '../base/bytes.ts';
import { isPartitionCount } from '../base/hash-slot.ts';
import type { Crypto, Random } from '../base/ports.ts';
import { codeOfWire, KeyvalError } from '../errors.ts';
import { FAIL_CODE, FAIL_TEXT } from './client-codec.ts';
import { splitFailText } from './deadlock-cycle.ts';
import type { FrameDecoder } from './frame-decoder.ts';
import type { FrameWriter } from './frame-writer.ts';
import {
  decodeWelcome,
  encodeHello,
  type Hello,
  NO_MEMBER,
  NONCE_BYTES,
  PROOF_BYTES,
  type RoutingTable,
  type Welcome,
} from './hello-codec.ts';
import { PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST } from './limits.ts';
import { CHAL, FAIL, HELO, opcodeName, PROV, WLCM } from './opcode.ts';

const CALLER = new TextEncoder().encode('caller');
const CALLEE = new TextEncoder().encode('callee');
const NO_PROOF: Uint8Array = new Uint8Array(PROOF_BYTES);

export function callerProof(crypto: Crypto, secret: Uint8Array, hello: Uint8Array, nonce: Uint8Array): Uint8Array {
  return crypto.hmac(secret, [CALLER, hello, nonce]);
}

export function calleeProof(crypto: Crypto, secret: Uint8Array, hello: Uint8Array, nonce: Uint8Array): Uint8Array {
  return crypto.hmac(secret, [CALLEE, hello, nonce]);
}

export type HelloFields = Omit<Hello, 'versionOldest' | 'version' | 'nonce'>;

export class Caller {
  readonly #crypto: Crypto;
  readonly #secret: Uint8Array | null;
  readonly #hello: Hello;
  #helloBody: Uint8Array = NO_PROOF;
  #nodeNonce: Uint8Array | null = null;

  constructor(fields: HelloFields, secret: Uint8Array | null, crypto: Crypto, random: Random) {
    const nonce = new Uint8Array(NONCE_BYTES);
    random.fill(nonce);
    this.#crypto = crypto;
    this.#secret = secret;
    this.#hello = { ...fields, versionOldest: PROTOCOL_VERSION_OLDEST, version: PROTOCOL_VERSION, nonce };
  }

  /** Speaks first. */
  start(writer: FrameWriter): void {
    writer.begin(HELO, 0);
    const from = writer.length;
    encodeHello(writer, this.#hello);
    this.#helloBody = writer.buffer.slice(from, writer.length);
    writer.end();
  }

  /**
   * Handles one frame of the node. Gives the welcome when the login is done, null when more is to come.
   * @throws KeyvalError what the node refused with, KV_UNAUTHORIZED when it cannot prove itself, KV_BAD_FRAME
   */
  received(frame: FrameDecoder, writer: FrameWriter): Welcome | null {
    const body = frame.buffer.slice(frame.bodyStart, frame.bodyEnd);
    if (frame.opcode === CHAL) return this.#prove(body, writer);
    if (frame.opcode === WLCM) return this.#welcome(body);
    if (frame.opcode === FAIL) throw decodeFail(body);
    throw new KeyvalError(
      'KV_BAD_FRAME',
      `expected WLCM, CHAL or FAIL during the login, got ${opcodeName(frame.opcode)}`,
    );
  }

  #prove(nonce: Uint8Array, writer: FrameWriter): null {
    if (this.#secret === null) {
      throw new KeyvalError(
        'KV_UNAUTHORIZED',
        'the node asks for a secret; give it with --secret-file (or the option secret)',
      );
    }
    if (nonce.length !== NONCE_BYTES) throw new KeyvalError('KV_BAD_FRAME', 'CHAL has a nonce of the wrong length');
    this.#nodeNonce = nonce;
    const proof = callerProof(this.#crypto, this.#secret, this.#helloBody, nonce);
    writer.begin(PROV, 0);
    writer.bytes(proof, 0, PROOF_BYTES);
    writer.end();
    return null;
  }

  #welcome(body: Uint8Array): Welcome {
    const welcome = decodeWelcome(body);
    checkTable(welcome.table);
    if (this.#secret === null) return welcome;
    const expected =
      this.#nodeNonce === null ? null : calleeProof(this.#crypto, this.#secret, this.#helloBody, this.#nodeNonce);
    if (expected === null || !this.#crypto.equal(welcome.proof, expected)) {
      throw new KeyvalError('KV_UNAUTHORIZED', 'the node does not know the secret');
    }
    return welcome;
  }
}

/** @throws KeyvalError KV_BAD_FRAME when requests cannot be routed by it */
export function checkTable({ partitions, self, members, primaries }: RoutingTable): void {
  const isPlace = (one: number): boolean => one < members.length || one === NO_MEMBER;
  const routes = isPartitionCount(partitions) && isPlace(self) && primaries.every(isPlace);
  if (!routes) throw new KeyvalError('KV_BAD_FRAME', 'the node sent a table by which nothing can be routed');
}

/** The node's side of the proof. Without a secret everybody is let in. */
export class Callee {
  readonly #crypto: Crypto;
  readonly #secret: Uint8Array | null;
  readonly #random: Random;
  #helloBody: Uint8Array = NO_PROOF;
  #nonce: Uint8Array | null = null;

  constructor(secret: Uint8Array | null, crypto: Crypto, random: Random) {
    this.#crypto = crypto;
    this.#secret = secret;
    this.#random = random;
  }

  /** Takes the HELO body. True: no proof is needed. False: a challenge was sent. */
  hello(body: Uint8Array, writer: FrameWriter): boolean {
    this.#helloBody = body;
    if (this.#secret === null) return true;
    this.#nonce = new Uint8Array(NONCE_BYTES);
    this.#random.fill(this.#nonce);
    writer.begin(CHAL, 0);
    writer.bytes(this.#nonce, 0, NONCE_BYTES);
    writer.end();
    return false;
  }

  /** @throws KeyvalError KV_UNAUTHORIZED */
  proof(body: Uint8Array): void {
    const nonce = this.#nonce;
    const good =
      nonce !== null &&
      this.#secret !== null &&
      body.length === PROOF_BYTES &&
      this.#crypto.equal(body, callerProof(this.#crypto, this.#secret, this.#helloBody, nonce));
    if (!good) throw new KeyvalError('KV_UNAUTHORIZED', 'the secret is wrong');
  }

  /** What to put into WLCM: the node's own proof, zeros without a secret. */
  ownProof(): Uint8Array {
    if (this.#secret === null || this.#nonce === null) return NO_PROOF;
    return calleeProof(this.#crypto, this.#secret, this.#helloBody, this.#nonce);
  }
}

const utf8 = new TextDecoder();

/** The error in a FAIL body. */
export function decodeFail(body: Uint8Array): KeyvalError {
  if (body.length < FAIL_TEXT) return new KeyvalError('KV_BAD_FRAME', 'FAIL is cut short');
  const code = codeOfWire(readU16(body, FAIL_CODE));
  const text = utf8.decode(body.subarray(FAIL_TEXT));
  if (code !== 'KV_DEADLOCK') return new KeyvalError(code, text);
  const { message, cycle } = splitFailText(text);
  return new KeyvalError(code, message, { cycle });
}
