/**
 * A man in the middle: listens where a node is said to be, hands everything on to where it really listens, and does to
 * the frames of links between nodes what it is told. Clients pass untouched.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Prng } from '../../src/base/prng.ts';

export const tampering = ['duplicate', 'drop', 'swap', 'delay', 'replay', 'cross'] as const;
export type Tampering = (typeof tampering)[number];

const HEADER_BYTES = 12;
/** In the body of HELO. */
const ROLE_AT = HEADER_BYTES + 4;
/** What is kept for being replayed. */
const RECORDED_MAX = 200;
const DELAY_MS_MAX = 200;
/** Frames that make up the state of a link; the login passes. */
const replicated = ['APND', 'ACKN', 'BEAT'];

export class LinkProxy {
  mode: Tampering | null = null;
  /** Frames that were tampered with. */
  tampered = 0;
  readonly #random: Prng;
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  /** Of all proxies that share it: frames of one link are played to another. */
  readonly #recorded: Buffer[];

  static start(address: string, target: string, random: Prng, recorded: Buffer[]): Promise<LinkProxy> {
    const proxy = new LinkProxy(target, random, recorded);
    const { host, port } = parse(address);
    return new Promise((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen({ host, port }, () => resolve(proxy));
    });
  }

  private constructor(target: string, random: Prng, recorded: Buffer[]) {
    this.#target = parse(target);
    this.#random = random;
    this.#recorded = recorded;
    this.#server = createServer({ noDelay: true }, (caller) => this.#accept(caller));
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(caller: Socket): void {
    const node = dial({ ...this.#target, noDelay: true });
    for (const [socket, other] of [
      [caller, node],
      [node, caller],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    caller.once('data', (first: Buffer) => {
      node.write(first);
      // A HELO is far smaller than a packet: it comes whole.
      if (first.length > ROLE_AT && first[ROLE_AT] !== 0) {
        this.#tamper(caller, node);
        this.#tamper(node, caller);
      } else {
        caller.pipe(node);
        node.pipe(caller);
      }
    });
  }

  #tamper(from: Socket, to: Socket): void {
    const direction = new Direction(to, this.#random, this.#recorded);
    let rest: Buffer = Buffer.alloc(0);
    from.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER_BYTES && rest.length >= 4 + rest.readUInt32BE(0)) {
        const end = 4 + rest.readUInt32BE(0);
        const whole = rest.subarray(0, end);
        rest = rest.subarray(end);
        const isReplicated = replicated.includes(whole.toString('latin1', 4, 8));
        if (direction.pass(whole, isReplicated ? this.mode : null)) this.tampered += 1;
      }
    });
  }
}

/** One direction of one link. */
class Direction {
  readonly #to: Socket;
  readonly #random: Prng;
  readonly #others: Buffer[];
  readonly #own: Buffer[] = [];
  /** Held back; in order. */
  #held: Buffer[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(to: Socket, random: Prng, others: Buffer[]) {
    this.#to = to;
    this.#random = random;
    this.#others = others;
  }

  /** True when it did something to it. */
  pass(frame: Buffer, mode: Tampering | null): boolean {
    this.#record(frame);
    if (mode === 'delay' || this.#held.length > 0) return this.#delay(frame, mode);
    switch (mode) {
      case 'duplicate':
        return this.#send(this.#chance(30) ? [frame, frame] : [frame]);
      case 'drop':
        return this.#send(this.#chance(5) ? [] : [frame]);
      case 'swap':
        return this.#chance(30) ? this.#delay(frame, mode) : this.#send([frame]);
      case 'replay':
        return this.#send(this.#chance(20) ? [frame, this.#oneOf(this.#own)] : [frame]);
      case 'cross':
        return this.#send(this.#chance(20) ? [this.#oneOf(this.#others), frame] : [frame]);
      default:
        this.#to.write(frame);
        return false;
    }
  }

  #chance(percent: number): boolean {
    return this.#random.below(100) < percent;
  }

  #oneOf(frames: readonly Buffer[]): Buffer {
    return frames[this.#random.below(frames.length)] as Buffer;
  }

  #send(frames: readonly Buffer[]): boolean {
    for (const frame of frames) this.#to.write(frame);
    return frames.length !== 1;
  }

  /** Swapped: the frames held leave behind the next one, or when none comes. Delayed: they leave in order, later. */
  #delay(frame: Buffer, mode: Tampering | null): boolean {
    if (mode === 'swap' && this.#held.length > 0) {
      this.#to.write(frame);
      this.#release();
      return true;
    }
    this.#held.push(frame);
    this.#timer ??= setTimeout(() => this.#release(), mode === null ? 0 : this.#random.below(DELAY_MS_MAX));
    return true;
  }

  #release(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const frame of this.#held.splice(0)) this.#to.write(frame);
  }

  #record(frame: Buffer): void {
    const opcode = frame.toString('latin1', 4, 8);
    if (!replicated.includes(opcode)) return;
    for (const list of [this.#own, this.#others]) {
      list.push(Buffer.from(frame));
      if (list.length > RECORDED_MAX) list.splice(0, RECORDED_MAX / 2);
    }
  }
}

function parse(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
