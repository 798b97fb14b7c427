/** One control plane alone, whose peers are played by the test: what it sends is recorded, time and disk are moved by hand. */
import { ByteWriter } from '../../../../src/base/byte-writer.ts';
import { Prng } from '../../../../src/base/prng.ts';
import { ControlPlane } from '../../../../src/node/control/control-plane.ts';
import * as codec from '../../../../src/protocol/control-codec.ts';
import { FrameWriter } from '../../../../src/protocol/frame-writer.ts';
import * as op from '../../../../src/protocol/opcode.ts';
import { encodeRaftMessage } from '../../../../src/protocol/raft-codec.ts';
import type { Message } from '../../../../src/raft/messages.ts';
import { ManualTurn } from '../../../helpers/manual-turn.ts';
import { SimDisk } from '../../../raft/support/sim-disk.ts';

interface Sent {
  readonly to: string;
  readonly opcode: string;
  readonly body: Uint8Array;
}

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

/** `peer(2)`: the node with id 2 at `n2:1`, incarnation all twos. */
export function peer(nodeId: number, more: Partial<codec.Founder> = {}): codec.Founder {
  const incarnation = nodeId.toString(16).padStart(2, '0').repeat(8);
  const address = `n${nodeId}:1`;
  return { address, nodeId, incarnation, zone: '', role: 'data', isVolatile: false, mayVote: true, ...more };
}

const settings = {
  clusterName: 'test',
  partitions: 4,
  replicas: 3,
  min: 2,
  maxLeaseMs: 60_000,
  onLoss: 'stop',
} as const;

/** A founding set as `founders[0]` asks for it. */
export function setOf(founders: readonly codec.Founder[], clusterId: string, attempt = 1): codec.FoundingSet {
  const sorted = [...founders].sort((one, other) => (one.address < other.address ? -1 : 1));
  return { clusterId, attempt, foundedAtSeconds: 1, settings: { ...settings, isNew: false }, founders: sorted };
}

export class ScriptedPlane {
  readonly disk: SimDisk;
  readonly plane: ControlPlane;
  readonly sent: Sent[] = [];
  readonly address: string;
  readonly lines: string[] = [];
  #nowMs = 0;
  #timers: Timer[] = [];

  constructor(address: string, founders: readonly string[], disk: SimDisk = new SimDisk('/data')) {
    this.address = address;
    this.disk = disk;
    const random = new Prng(1);
    const after = (afterMs: number, run: () => void): { cancel(): void } => {
      const timer = { atMs: this.#nowMs + afterMs, run };
      this.#timers.push(timer);
      return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
    };
    this.plane = new ControlPlane({
      ports: {
        clock: { monotonicMs: () => this.#nowMs, unixMs: () => 1_767_225_600_000 + this.#nowMs },
        timers: { after, soon: (run) => void after(0, run), atTurnEnd: (run) => void after(0, run) },
        random: {
          u32: () => random.u32(),
          fill: (target) => target.set(target.map(() => random.below(256))),
        },
        log: { write: (level, event, fields) => this.lines.push(`${level} ${event} ${JSON.stringify(fields)}`) },
      },
      disk,
      identity: {
        cluster: 'test',
        address,
        zone: '',
        role: 'data',
        incarnation: new Uint8Array(8).fill(0x77),
        founders,
        ...settings,
        isNew: false,
      },
      send: (to, opcode, encode) => this.#send(to, opcode, encode),
      bookChanged: () => undefined,
      failed: (error) => {
        throw error;
      },
    });
    this.plane.start();
  }

  #send(to: string, opcode: number, encode: (frames: FrameWriter) => void): boolean {
    const frames = new FrameWriter(new ManualTurn().turn, { flush: () => undefined });
    frames.begin(opcode, 0);
    encode(frames);
    frames.end();
    this.sent.push({ to, opcode: op.opcodeName(opcode), body: frames.buffer.slice(12, frames.length) });
    return true;
  }

  /** This node as a founder. */
  get self(): codec.Founder {
    return this.plane.self;
  }

  run(forMs: number): void {
    const untilMs = this.#nowMs + forMs;
    for (;;) {
      const [next] = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((one, other) => one.atMs - other.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** Opcodes sent to it since the last call. */
  take(to: string): Sent[] {
    const taken = this.sent.filter((sent) => sent.to === to);
    for (const sent of taken) this.sent.splice(this.sent.indexOf(sent), 1);
    return taken;
  }

  // ── what peers do ──

  link({ address, nodeId, incarnation }: codec.Founder, clusterId = ''): void {
    this.plane.linked(address, { nodeId, clusterId, incarnation: Buffer.from(incarnation, 'hex') });
  }

  receive<T>(from: string, opcode: number, encode: (fields: codec.Fields, value: T) => void, value: T): boolean {
    const writer = new ByteWriter();
    encode(writer, value);
    const bytes = writer.finish();
    return this.plane.frame(from, opcode, bytes, 0, bytes.length);
  }

  join(founder: codec.Founder): void {
    this.receive(founder.address, op.JOIN, codec.encodeFounder, founder);
  }

  ask(from: string, set: codec.FoundingSet): void {
    this.receive(from, op.FNDQ, codec.encodeFoundingSet, set);
  }

  answer(from: string, clusterId: string): void {
    this.receive(from, op.FNDA, codec.encodeFoundingAnswer, { clusterId, isPromised: true, why: '' });
  }

  announce(from: string, clusterId: string): void {
    this.receive(from, op.FNDC, codec.encodeClusterId, clusterId);
  }

  raft(from: codec.Founder, message: Message): void {
    this.receive(from.address, codec.raftOpcodes.get(message.type) ?? 0, encodeRaftMessage, message);
  }

  /** The answers to FNDQ sent since the last call: `promised`, or why not. */
  answers(to: string): string[] {
    return this.take(to).flatMap(({ opcode, body }) => {
      const answer = opcode === 'FNDA' ? codec.decodeFoundingAnswer(body, 0, body.length) : null;
      return answer === null ? [] : [answer.isPromised ? 'promised' : answer.why];
    });
  }

  /** The sets it asked for since the last call. */
  asked(to: string): codec.FoundingSet[] {
    const bodies = this.take(to).filter(({ opcode }) => opcode === 'FNDQ');
    return bodies.map(({ body }) => codec.decodeFoundingSet(body) as codec.FoundingSet);
  }
}
