/** One node of the world: its control plane, its disk, its lives. */
import { hexOf } from '../../../../src/base/bytes.ts';
import { Prng } from '../../../../src/base/prng.ts';
import type { Book } from '../../../../src/cluster/book.ts';
import type { KeyvalError } from '../../../../src/errors.ts';
import { ControlPlane } from '../../../../src/node/control/control-plane.ts';
import type { ControlHost, ControlPorts, PeerFacts } from '../../../../src/node/control/host.ts';
import { FrameWriter } from '../../../../src/protocol/frame-writer.ts';
import { ManualTurn } from '../../../helpers/manual-turn.ts';
import { SimDisk } from '../../../raft/support/sim-disk.ts';
import type { NodeOptions, World } from './world.ts';

export class SimNode {
  readonly world: World;
  readonly address: string;
  options: NodeOptions;
  disk: SimDisk;
  plane: ControlPlane | null = null;
  lives = 0;
  failure: KeyvalError | null = null;
  /** Books as they came in this life. */
  books: Book[] = [];
  /** `level event {fields}` of all lives. */
  readonly lines: string[] = [];
  /** Called once for each frame received, with its opcode. */
  onFrame: ((opcode: number, from: string) => void) | null = null;
  /** By address, the incarnation there. */
  readonly #linked = new Map<string, string>();
  readonly #random: Prng;
  #incarnation = new Uint8Array(8);

  constructor(world: World, address: string, options: NodeOptions) {
    this.world = world;
    this.address = address;
    this.options = options;
    this.#random = new Prng(world.random.seed).fork(address);
    this.disk = new SimDisk(`/data/${address}`);
    this.disk.onWrite = (): void => this.#writing();
  }

  #writing(): void {
    const { lives } = this;
    this.world.after(this.#random.float() * this.world.options.diskMaxMs, () => {
      if (this.lives === lives && this.plane !== null) this.disk.complete();
    });
  }

  get clusterId(): string {
    return this.plane?.clusterId ?? '';
  }

  get incarnation(): string {
    return Buffer.from(this.#incarnation).toString('hex');
  }

  get facts(): PeerFacts {
    return { nodeId: this.plane?.nodeId ?? 0, clusterId: this.clusterId, incarnation: this.#incarnation.slice() };
  }

  get text(): string {
    const { plane } = this;
    return `${this.address} ${plane === null ? 'down' : JSON.stringify(plane.status)}`;
  }

  start(): void {
    this.lives += 1;
    this.books = [];
    this.failure = null;
    this.#incarnation = new Uint8Array(8);
    for (let at = 0; at < 8; at += 1) this.#incarnation[at] = this.#random.below(256);
    this.plane = new ControlPlane(this.#host());
    this.plane.start();
    this.world.dial(this);
    this.#command(this.lives);
  }

  /** What the commander does about members that it does not hear: they are down, and up again. */
  #command(life: number): void {
    if (this.lives !== life || this.plane === null) return;
    this.world.after(300, () => this.#command(life));
    if (!this.plane.isCommander) return;
    const nowMs = this.world.unixMs;
    for (const member of this.plane.book?.members ?? []) {
      if (member === null || member.address === this.address) continue;
      const { slot, incarnation, health } = member;
      const isHeard = this.#linked.get(member.address) === incarnation;
      if (isHeard !== (health === 'up')) {
        this.plane.propose({ kind: isHeard ? 'up' : 'down', slot, incarnation, nowMs });
      }
    }
  }

  #host(): ControlHost {
    const { settings = {}, founders = [this.address], role = 'data', isVolatile = false } = this.options;
    const { clusterName: cluster = 'test', ...others } = settings;
    const defaults = { partitions: 4, replicas: 3, min: 2, maxLeaseMs: 60_000, onLoss: 'stop', isNew: false } as const;
    const { lives } = this;
    const { address } = this;
    const incarnation = this.#incarnation;
    return {
      ports: this.#ports(),
      disk: isVolatile ? null : this.disk,
      identity: {
        cluster,
        address,
        zone: '',
        role,
        incarnation,
        founders: [...founders].sort(),
        ...defaults,
        ...others,
      },
      send: (to, opcode, encode) => {
        const frames = new FrameWriter(new ManualTurn().turn, { flush: () => undefined });
        frames.begin(opcode, 0);
        encode(frames);
        frames.end();
        return this.world.send(this, to, opcode, frames.buffer.slice(0, frames.length));
      },
      bookChanged: (book, before) => {
        if (this.lives !== lives) throw new Error('a dead node has spoken');
        if ((before?.version ?? 0) >= book.version) throw new Error('the book goes back');
        this.books.push(book);
        this.world.sawBook(this, book);
      },
      failed: (error) => {
        this.failure = error;
        this.#die();
      },
    };
  }

  #ports(): ControlPorts {
    const { world, lives } = this;
    const inThisLife = (run: () => void) => (): void => {
      if (this.lives === lives && this.plane !== null) run();
    };
    const after = (afterMs: number, run: () => void): { cancel(): void } => {
      const event = world.after(afterMs, inThisLife(run));
      return { cancel: () => world.cancel(event) };
    };
    const fill = (target: Uint8Array): void => {
      for (let at = 0; at < target.length; at += 1) target[at] = this.#random.below(256);
    };
    return {
      clock: { monotonicMs: () => world.nowMs, unixMs: () => world.unixMs },
      timers: {
        after,
        soon: (run) => void after(0, run),
        atTurnEnd: (run) => void after(this.#random.float() * 0.2, run),
      },
      random: { u32: () => this.#random.u32(), fill },
      log: { write: (level, event, fields) => this.lines.push(`${level} ${event} ${JSON.stringify(fields)}`) },
    };
  }

  /** kill -9, or the power is gone. */
  crash(): void {
    if (this.plane === null) return;
    void this.plane.stop();
    this.#die();
    this.disk.crash(this.#random);
  }

  #die(): void {
    this.plane = null;
    this.world.breakLinks(this);
  }

  restart(options: NodeOptions = this.options): void {
    this.crash();
    this.options = options;
    this.start();
  }

  /** Another directory, an empty one. */
  wipe(): void {
    this.crash();
    this.disk = new SimDisk(this.disk.path);
    this.disk.onWrite = (): void => this.#writing();
  }

  // ── links ──

  isLinked(address: string): boolean {
    return this.#linked.has(address);
  }

  linked(other: SimNode, facts: PeerFacts): void {
    if (this.plane === null) return;
    this.#linked.set(other.address, hexOf(facts.incarnation));
    this.plane.linked(other.address, facts);
  }

  unlinked(other: SimNode): void {
    if (this.#linked.delete(other.address)) this.plane?.unlinked(other.address);
  }

  receive(from: SimNode, opcode: number, frame: Uint8Array): void {
    if (this.plane === null) return;
    if (!this.isLinked(from.address)) throw new Error('a frame before the login');
    this.onFrame?.(opcode, from.address);
    if (this.plane === null || !this.isLinked(from.address)) return;
    if (!this.plane.frame(from.address, opcode, frame, 12, frame.length)) throw new Error(`malformed ${opcode}`);
  }
}
