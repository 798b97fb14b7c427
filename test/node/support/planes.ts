/**
 * Nodes without a control plane: real data planes, peers and links in memory, and a book that the test changes by what the
 * nodes propose, or by itself. The clock stands still until it is moved; frames travel when the test says so.
 */
import { Arena } from '../../../src/base/arena.ts';
import { hexOf } from '../../../src/base/bytes.ts';
import type { TimerHandle } from '../../../src/base/ports.ts';
import { InlineWorkers } from '../../../src/bulk/worker-pool.ts';
import type { Book, BookPartition } from '../../../src/cluster/book.ts';
import type { Command } from '../../../src/cluster/commands.ts';
import { applyCommand } from '../../../src/cluster/reducer.ts';
import { systemCrypto } from '../../../src/io/random.ts';
import { Connection } from '../../../src/node/connection.ts';
import { DataPlane, type DataPlaneHost } from '../../../src/node/data-plane.ts';
import type { Forwarder } from '../../../src/node/forwarder.ts';
import { Leases } from '../../../src/node/leases.ts';
import { NodeMemory } from '../../../src/node/node-memory.ts';
import type { PartitionPrimary } from '../../../src/node/partition-primary.ts';
import type { PartitionReplica } from '../../../src/node/partition-replica.ts';
import { HEARTBEAT_MS, Peer } from '../../../src/node/peer.ts';
import { PeerHandler } from '../../../src/node/peer-handler.ts';
import type { NodePorts } from '../../../src/node/ports.ts';
import type { ReplyTarget } from '../../../src/node/reply.ts';
import { Roster } from '../../../src/node/roster.ts';
import { type NodeSettings, usualSettings } from '../../../src/node/settings.ts';
import { Stages } from '../../../src/node/stages.ts';
import { FRAME_LENGTH_MAX } from '../../../src/protocol/limits.ts';
import { GETK } from '../../../src/protocol/opcode.ts';
import { RecordingChannel } from '../../../tools/fuzz/world/channel.ts';
import { bookOf, withMember, withPartition } from '../../helpers/books.ts';
import { ManualTurn } from '../../helpers/manual-turn.ts';
import { PARTITION, UNIX_MS } from './partition.ts';

const ROUNDS_MAX = 1000;

export type LinkKind = 'control' | 'bulk';

/** Two ends of a link in memory. */
interface Wire {
  readonly kind: LinkKind;
  readonly ends: readonly [WireEnd, WireEnd];
}

interface WireEnd {
  readonly node: PlaneNode;
  readonly channel: RecordingChannel;
}

export class PlaneNode implements DataPlaneHost {
  readonly cluster: Planes;
  readonly slot: number;
  readonly address: string;
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly incarnation: Uint8Array;
  readonly arena: Arena = new Arena();
  readonly memory: NodeMemory = new NodeMemory(this.arena, 0);
  readonly founders: readonly string[] = [];
  isCommander = false;
  readonly peers: Peer[] = [];
  readonly roster: Roster;
  readonly dataPlane: DataPlane;
  readonly leases: Leases;
  readonly handler: PeerHandler;
  /** Whom its primaries have reported as out of reach. */
  readonly reports: (readonly number[])[] = [];
  /** The process stands still, or is cut off from the book: it learns nothing and its time does not pass. */
  stopped = false;
  nowMs: number;
  readonly #turn: ManualTurn = new ManualTurn();

  constructor(cluster: Planes, slot: number, life: number) {
    this.cluster = cluster;
    this.slot = slot;
    this.address = cluster.addresses[slot] as string;
    this.incarnation = new Uint8Array(8).fill(16 * (life + 1) + slot);
    this.nowMs = cluster.nowMs;
    const { addresses } = cluster;
    const own = {
      cluster: 'keyval',
      address: this.address,
      members: addresses,
      partitions: PARTITION + 1,
      replicas: 3,
    };
    const rest = { secret: null, memoryBytesMax: 0, connectionsMax: 100, version: '0.0.0' };
    this.settings = { ...usualSettings, ...own, ...rest };
    this.ports = this.#makePorts();
    this.roster = new Roster(this, () => slot + 1, this.incarnation, this.address);
    this.dataPlane = new DataPlane(this);
    this.leases = new Leases(this);
    this.handler = new PeerHandler(this);
    this.ports.turn.onEnd(() => this.dataPlane.endOfTurn());
    for (const address of addresses) if (address !== this.address) this.peerAt(address);
  }

  #makePorts(): NodePorts {
    const { cluster } = this;
    const clock = { monotonicMs: () => cluster.nowMs, unixMs: () => UNIX_MS + cluster.nowMs };
    const timers = {
      after: (afterMs: number, run: () => void): TimerHandle => cluster.after(this, afterMs, run),
      soon: (run: () => void) => void cluster.after(this, 0, run),
      atTurnEnd: (run: () => void) => void cluster.after(this, 0, run),
    };
    const ports: Omit<NodePorts, 'transport' | 'openBulkWriter'> = {
      clock,
      timers,
      random: { u32: () => 0, fill: (target) => void target.fill(7) },
      crypto: systemCrypto,
      log: { write: () => undefined },
      turn: this.#turn.turn,
      workers: new InlineWorkers(),
      disk: null,
      processFacts: () => ({ pid: 1, cpuMicros: 0, residentBytes: 0 }),
    };
    return ports as NodePorts;
  }

  get book(): Book | null {
    return this.dataPlane.book;
  }

  get log(): NodePorts['log'] {
    return this.ports.log;
  }

  /** Nothing is handed on here. */
  get forwarder(): Forwarder {
    throw new Error('this node hands nothing on');
  }

  touch(): number {
    this.nowMs = this.cluster.nowMs;
    return this.nowMs;
  }

  // ---- peers

  peerAt(address: string): Peer {
    const known = this.peers.find(({ name }) => name === address);
    if (known !== undefined) return known;
    const stages = new Stages(100, () => true);
    const peer = new Peer(this.peers.length, address, { host: address, port: 6234 }, stages);
    this.peers.push(peer);
    return peer;
  }

  forgetPeer(): void {}

  linked(kind: LinkKind, other: PlaneNode, channel: RecordingChannel): void {
    const peer = this.peerAt(other.address);
    const connection = new Connection(peer.index, channel, this.ports.turn, this.handler, () => this.touch());
    connection.decoder.lengthMax = FRAME_LENGTH_MAX;
    connection.peer = peer.index;
    channel.handler = connection;
    peer[kind] = connection;
    if (peer.incarnation !== null && hexOf(peer.incarnation) !== hexOf(other.incarnation)) peer.lease.restart();
    const isNew = peer.incarnation === null || hexOf(peer.incarnation) !== hexOf(other.incarnation);
    peer.incarnation = other.incarnation;
    peer.state = 'up';
    peer.heardAtMs = this.nowMs;
    this.roster.met(peer);
    if (isNew) this.dataPlane.met(peer);
    if (kind === 'control') this.dataPlane.linked(peer);
    else this.dataPlane.bulkLinked(peer);
  }

  peerClosed(connection: Connection): void {
    const peer = this.peers[connection.peer] as Peer;
    if (peer.control === connection) {
      peer.control = null;
      peer.state = 'connecting';
      peer.lostAtMs = this.nowMs;
    }
    if (peer.bulk === connection) {
      peer.bulk = null;
      this.dataPlane.bulkLost(peer);
    }
  }

  beaten(peer: Peer, version: number, sent: number, echo: number): void {
    this.leases.beaten(peer, version, sent, echo);
  }

  control(): boolean {
    return true;
  }

  reported(): void {}

  request(): void {}

  // ---- what its data plane asks for

  propose(command: Command): void {
    this.cluster.proposed.push(command);
  }

  reportUnreachable(_: PartitionPrimary, slots: readonly number[]): void {
    this.reports.push(slots);
  }

  checkClocks(): void {
    this.leases.checkClocks();
  }

  voidLeases(): void {
    this.dataPlane.voidLeases();
  }

  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void {
    if (opcode === GETK) this.primary?.reads.get(to, messageId, body, 0, opcode);
  }

  // ---- the partition that tests look at

  get primary(): PartitionPrimary | null {
    return this.dataPlane.primaries[PARTITION] ?? null;
  }

  get kept(): PartitionReplica | null {
    return this.dataPlane.partitions.replicas[PARTITION] ?? null;
  }

  // ---- turns

  learn(book: Book): void {
    const before = this.book;
    if (book === before) return;
    this.touch();
    this.roster.bookChanged(book);
    this.dataPlane.bookChanged(book, before);
  }

  tick(): void {
    this.touch();
    this.leases.checkClocks();
    for (const peer of this.peers) if (peer.control !== null) this.leases.beat(peer, peer.control);
    this.dataPlane.tick(false, false);
    this.endTurn();
  }

  /** A turn with something to replicate lingers once. */
  endTurn(): void {
    do this.#turn.end();
    while (this.#turn.isAwaited);
  }
}

export class Planes {
  nowMs = 5000;
  readonly addresses: readonly string[];
  readonly nodes: PlaneNode[];
  book: Book;
  /** What was proposed and not decided. */
  readonly proposed: Command[] = [];
  /** Bulk links carry nothing while it is set. */
  holdsBulk = false;
  #wires: Wire[] = [];
  #timers: { readonly node: PlaneNode; readonly atMs: number; readonly run: () => void }[] = [];
  readonly #lives: number[];

  /** All know the book and each other, slot 0 is primary of the partition, everybody in sync. */
  constructor(count: number, min: number) {
    this.addresses = Array.from({ length: count }, (_, slot) => `127.0.0.${slot + 1}:6234`);
    this.#lives = this.addresses.map(() => 0);
    this.nodes = this.addresses.map((_, slot) => new PlaneNode(this, slot, 0));
    let book = bookOf({ addresses: this.addresses, partitions: PARTITION + 1, replicas: count, min });
    for (const { slot, incarnation } of this.nodes) book = withMember(book, slot, { incarnation: hexOf(incarnation) });
    const slots = this.nodes.map(({ slot }) => slot);
    // All other partitions are of no interest: one member keeps them.
    for (let other = 0; other < PARTITION; other += 1)
      book = withPartition(book, other, { primary: 0, isr: [0], target: [0] });
    this.book = withPartition(book, PARTITION, { primary: 0, isr: slots, target: slots, eligible: [], locksFromMs: 0 });
    for (const node of this.nodes) node.learn(this.book);
    for (const one of slots) for (const other of slots) if (one < other) this.link(one, other);
    this.beat(3);
  }

  node(slot: number): PlaneNode {
    return this.nodes[slot] as PlaneNode;
  }

  get entry(): BookPartition {
    return this.book.partitions[PARTITION] as BookPartition;
  }

  /** The primary that the book names. */
  get primary(): PartitionPrimary {
    const { primary } = this.node(this.entry.primary);
    if (primary === null) throw new Error('the reign has not begun');
    return primary;
  }

  // ---- links

  link(one: number, other: number): void {
    for (const kind of ['control', 'bulk'] as const) {
      const ends = [one, other].map((slot) => ({ node: this.node(slot), channel: new RecordingChannel() }));
      const [first, second] = ends as [WireEnd, WireEnd];
      this.#wires.push({ kind, ends: [first, second] });
      first.node.linked(kind, second.node, first.channel);
      second.node.linked(kind, first.node, second.channel);
    }
  }

  /** The links of `slot` break, with what is on them: all of them, or those to `other`. */
  cut(slot: number, other = -1): void {
    const node = this.node(slot);
    const isCut = ({ ends }: Wire): boolean =>
      ends.some((end) => end.node === node) && (other < 0 || ends.some((end) => end.node.slot === other));
    const cut = this.#wires.filter(isCut);
    this.#wires = this.#wires.filter((wire) => !isCut(wire));
    for (const { ends } of cut) for (const { channel } of ends) channel.close();
  }

  /** The process ends and another one begins at the same address, with nothing, under another incarnation. */
  restart(slot: number): PlaneNode {
    this.cut(slot);
    const life = (this.#lives[slot] as number) + 1;
    this.#lives[slot] = life;
    const node = new PlaneNode(this, slot, life);
    this.nodes[slot] = node;
    return node;
  }

  /** Raw bytes from one node to another, as if it had sent them. False: the link was closed for it. */
  inject(kind: LinkKind, from: number, to: number, bytes: Uint8Array): boolean {
    const wire = this.#wires.find(
      (one) => one.kind === kind && one.ends.every(({ node }) => node.slot === from || node.slot === to),
    );
    const end = wire?.ends.find(({ node }) => node.slot === to);
    if (end === undefined) throw new Error('no such link');
    end.channel.receive(bytes);
    end.node.endTurn();
    return !end.channel.ending;
  }

  /** Everything that is on its way arrives, and what is answered. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      for (const node of this.nodes) if (!node.stopped) node.endTurn();
      let moved = false;
      for (const { ends, kind } of this.#wires) {
        if (kind === 'bulk' && this.holdsBulk) continue;
        moved = this.#carry(ends[0], ends[1]) || this.#carry(ends[1], ends[0]) || moved;
      }
      if (!moved) return;
    }
    throw new Error('it does not come to rest');
  }

  #carry(from: WireEnd, to: WireEnd): boolean {
    if (to.node.stopped) return false;
    const chunks = from.channel.take();
    for (const chunk of chunks) to.channel.receive(chunk);
    return chunks.length > 0;
  }

  // ---- time

  after(node: PlaneNode, afterMs: number, run: () => void): TimerHandle {
    const entry = { node, atMs: this.nowMs + afterMs, run };
    this.#timers.push(entry);
    return {
      cancel: (): void => {
        this.#timers = this.#timers.filter((other) => other !== entry);
      },
    };
  }

  /** So many heartbeats of everybody, with whatever comes due. */
  beat(count = 1): void {
    for (let beat = 0; beat < count; beat += 1) {
      this.nowMs += HEARTBEAT_MS;
      const due = this.#timers.filter(({ atMs, node }) => atMs <= this.nowMs && !node.stopped);
      this.#timers = this.#timers.filter((entry) => !due.includes(entry));
      for (const { run } of due) run();
      for (const node of this.nodes) if (!node.stopped) node.tick();
      this.settle();
    }
  }

  // ---- the book

  /** The book changes, and everybody who is there learns of it, or only some. */
  decide(book: Book, learners: readonly number[] = this.nodes.map(({ slot }) => slot)): void {
    this.book = book;
    for (const slot of learners) if (!this.node(slot).stopped) this.node(slot).learn(book);
    this.settle();
  }

  apply(command: Command): string | null {
    const { book, refused } = applyCommand(this.book, command);
    this.decide(book);
    return refused;
  }

  /** What was proposed is decided as the control plane would; gives why something was refused. */
  decideProposed(): (string | null)[] {
    return this.proposed.splice(0).map((command) => this.apply(command));
  }

  /** The partition's entry is changed as if the commander had. */
  change(changes: Partial<BookPartition>, learners?: readonly number[]): void {
    this.decide(withPartition(this.book, PARTITION, changes), learners);
  }
}
