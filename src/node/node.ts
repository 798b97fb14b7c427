/**
 * One node: connections and links, the control plane, the partitions it keeps, and the clock that drives them. It knows no
 * socket, no file and no timer of the system; `io/` and the simulator bring those.
 */
import { Arena } from '../base/arena.ts';
import type { Channel, ChannelHandler, Crypto, Log, Random, TimerHandle } from '../base/ports.ts';
import type { Book } from '../cluster/book.ts';
import type { Command } from '../cluster/commands.ts';
import type { KeyvalError } from '../errors.ts';
import type { FrameWriter } from '../protocol/frame-writer.ts';
import { encodeTable, type Hello, INCARNATION_BYTES, type RoutingTable } from '../protocol/hello-codec.ts';
import { LOGIN_TIMEOUT_MS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import { REPT, TABL } from '../protocol/opcode.ts';
import { isCongested } from './admission.ts';
import { CommanderDesk } from './commander-desk.ts';
import type { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { ControlPlane } from './control/control-plane.ts';
import type { ControlHost, ControlIdentity, ControlStatus } from './control/host.ts';
import { DataPlane, ORPHAN_MS } from './data-plane.ts';
import { Departure } from './departure.ts';
import { Forwarder } from './forwarder.ts';
import type { HandOvers } from './hand-overs.ts';
import { Leases } from './leases.ts';
import { Links } from './links.ts';
import { LoginHandler } from './login-handler.ts';
import { logLost, logMembers } from './member-log.ts';
import { NodeMemory } from './node-memory.ts';
import type { PartitionBackup } from './partition-backup.ts';
import type { PartitionPrimary } from './partition-primary.ts';
import { HEARTBEAT_MS, type Peer } from './peer.ts';
import { PeerHandler } from './peer-handler.ts';
import type { PeerIdentity } from './peer-hello.ts';
import type { NodePorts } from './ports.ts';
import { readiness } from './readiness.ts';
import { type ReplyTarget, replyFail } from './reply.ts';
import { RequestHandler } from './request-handler.ts';
import { Roster } from './roster.ts';
import { tableOf } from './routing-table.ts';
import type { NodeSettings } from './settings.ts';
import { nodeStatus } from './status.ts';

/** Ticks come every HEARTBEAT_MS; when none has come for so long, this process has stood still. */
const OVERDUE_MS = 1000;

export class Node implements ControlHost {
  readonly settings: NodeSettings;
  readonly incarnation: Uint8Array = new Uint8Array(INCARNATION_BYTES);
  readonly ports: NodePorts;
  readonly log: Log;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly arena: Arena;
  readonly memory: NodeMemory;
  readonly connections: Connections;
  readonly forwarder: Forwarder = new Forwarder();
  readonly roster: Roster;
  readonly dataPlane: DataPlane;
  readonly startedAtMs: number;
  /** Told when this node cannot go on by itself; the program that runs it ends it. */
  onFailure: ((error: KeyvalError) => void) | null = null;
  nowMs: number;
  #tickedAtMs: number;
  stopping = false;
  readonly #control: ControlPlane;
  readonly #desk: CommanderDesk;
  readonly #login: LoginHandler;
  readonly #requests: RequestHandler;
  readonly #links: Links;
  readonly #leases: Leases;
  readonly #turnHook: () => void;
  #tickTimer: TimerHandle | null = null;
  #tableChanged = false;
  readonly #whenServing: (() => void)[] = [];

  /** @throws KeyvalError when the state directory cannot be used */
  constructor(settings: NodeSettings, ports: NodePorts) {
    this.settings = settings;
    this.ports = ports;
    this.log = ports.log;
    this.crypto = ports.crypto;
    this.random = ports.random;
    ports.random.fill(this.incarnation);
    this.arena = new Arena({ low: ports.random.u32(), high: ports.random.u32() });
    this.memory = new NodeMemory(this.arena, settings.memoryBytesMax);
    this.startedAtMs = ports.clock.monotonicMs();
    this.nowMs = this.startedAtMs;
    this.#tickedAtMs = this.startedAtMs;
    this.#leases = new Leases(this);
    this.connections = new Connections(this);
    this.#links = new Links(this, new PeerHandler(this));
    this.roster = new Roster(this, () => this.#control.nodeId, this.incarnation, settings.address);
    this.dataPlane = new DataPlane(this);
    this.#control = new ControlPlane(this);
    this.#desk = new CommanderDesk(this);
    this.#login = new LoginHandler(this);
    this.#requests = new RequestHandler(this);
    this.#turnHook = (): void => this.#endOfTurn();
    for (const address of settings.members) if (address !== settings.address) this.#links.to(address);
  }

  // ---- life

  start(): void {
    this.touch();
    this.ports.turn.onEnd(this.#turnHook);
    this.#links.start();
    this.#tickTimer = this.ports.timers.after(HEARTBEAT_MS, () => this.#tick());
    this.#control.start();
    this.ports.turn.wake();
  }

  /** Resolves when every partition that this node is to keep is in sync here, and those it is primary of take writes. */
  serving(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenServing.push(resolve);
      this.#checkServing();
    });
  }

  get isServing(): boolean {
    return !this.stopping && this.obstacles().length === 0;
  }

  /** Why it is not ready, in words. */
  obstacles(): string[] {
    return readiness(this);
  }

  #checkServing(): void {
    if (this.#whenServing.length === 0 || !this.isServing) return;
    for (const resolve of this.#whenServing.splice(0)) resolve();
  }

  /**
   * Leaves in order: hands its partitions and the lead over, refuses what is new, answers what is under way, all for at
   * most `graceMs`, then closes everything.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.stopping) return;
    const deadline = this.ports.clock.monotonicMs() + graceMs;
    await new Departure(this, this.#control).leave(deadline);
    this.stopping = true;
    this.#links.stopDialling();
    await this.#requests.stop();
    while (this.#unfinished && this.ports.clock.monotonicMs() < deadline) await this.pause(5);
    await this.#control.stop();
    this.#tickTimer?.cancel();
    for (const connection of this.connections) connection.endSoon();
    while (this.connections.size > 0 && this.ports.clock.monotonicMs() < deadline) await this.pause(5);
    for (const connection of [...this.connections]) connection.destroy();
    this.#links.stop();
    this.ports.turn.removeHook(this.#turnHook);
  }

  get #unfinished(): boolean {
    return this.primaries.some((partition) => partition?.serving === true && partition.applied < partition.log.next);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ports.timers.after(ms, resolve);
    });
  }

  // ---- connections

  touch(): number {
    this.nowMs = this.ports.clock.monotonicMs();
    if (this.nowMs - this.#tickedAtMs > OVERDUE_MS) this.#awoken();
    return this.nowMs;
  }

  /** This process has stood still: others may have gone on without it, and nothing is answered before that is looked at. */
  #awoken(): void {
    this.#tickedAtMs = this.nowMs;
    if (this.#isOrphan) this.dataPlane.orphaned();
  }

  get #isOrphan(): boolean {
    return this.nowMs - Math.max(this.commanderHeardMs, this.startedAtMs) > ORPHAN_MS;
  }

  nextConnectionId(): number {
    return this.connections.nextId();
  }

  /** Someone has connected. */
  accept(channel: Channel): ChannelHandler {
    const connection = this.connections.accept(channel, this.#login);
    connection.loginTimer = this.ports.timers.after(LOGIN_TIMEOUT_MS, () => this.#login.tooLate(connection));
    return connection;
  }

  loginEnded(connection: Connection): void {
    this.connections.strangerClosed(connection);
  }

  welcomeClient(connection: Connection): void {
    connection.handler = this.#requests;
    this.connections.welcomeClient(connection);
  }

  clientClosed(connection: Connection): void {
    this.connections.clientClosed(connection);
  }

  /** True when no further client is let in (--max-connections). */
  get full(): boolean {
    return this.connections.clients >= this.settings.connectionsMax;
  }

  get congested(): boolean {
    return isCongested(this.primaries);
  }

  stagedBytesOf(connection: Connection): number {
    return this.#requests.stagedBytesOf(connection);
  }

  request(connection: Connection): void {
    this.#requests.frame(connection);
  }

  handleAgain(to: ReplyTarget, opcode: number, messageId: number, body: Uint8Array): void {
    this.#requests.request(to as Connection, opcode, messageId, body, 0, body.length);
  }

  // ---- links between nodes

  get identity(): PeerIdentity & ControlIdentity {
    const { settings, incarnation } = this;
    const { address, members, partitions, replicas, cluster, zone, isWitness, maxLeaseMs, onLoss, isNew } = settings;
    return {
      address,
      nodeId: this.#control?.nodeId ?? 0,
      clusterId: this.#control?.clusterId ?? '',
      members,
      founders: members,
      partitions,
      replicas,
      cluster,
      zone,
      role: isWitness ? 'witness' : 'data',
      incarnation,
      min: settings.minInSync,
      maxLeaseMs,
      onLoss,
      isNew,
    };
  }

  get peers(): readonly Peer[] {
    return this.#links.peers;
  }

  get founders(): readonly string[] {
    return this.settings.members;
  }

  peerAt(address: string): Peer {
    return this.#links.to(address);
  }

  forgetPeer(address: string): void {
    this.#links.forget(address);
  }

  welcomePeer(connection: Connection, hello: Hello): void {
    this.#links.accepted(connection, hello);
    this.connections.keepLink(connection);
  }

  keep(connection: Connection): void {
    this.connections.keepLink(connection);
  }

  peerClosed(connection: Connection, error: Error | null): void {
    this.connections.linkClosed(connection);
    this.#links.closed(connection, error);
  }

  /** R3, R4: a restart is a new member as far as memory goes. */
  met(peer: Peer): void {
    this.roster.met(peer);
    this.dataPlane.met(peer);
  }

  linked(peer: Peer, clusterId: string): void {
    const incarnation = peer.incarnation as Uint8Array;
    this.#control.linked(peer.name, { nodeId: peer.nodeId, clusterId, incarnation });
    this.dataPlane.linked(peer);
  }

  controlLost(peer: Peer): void {
    this.forwarder.linkLost(peer.index, peer.name);
    this.#control.unlinked(peer.name);
  }

  bulkLost(peer: Peer): void {
    this.dataPlane.bulkLost(peer);
  }

  bulkLinked(peer: Peer): void {
    this.dataPlane.bulkLinked(peer);
  }

  // ---- leases (R12)

  beat(peer: Peer, connection: Connection): void {
    this.#leases.beat(peer, connection);
  }

  beaten(peer: Peer, version: number, sent: number, echo: number): void {
    this.#leases.beaten(peer, version, sent, echo);
    if (this.dataPlane.parked.size > 0) this.ports.turn.wake();
  }

  checkClocks(): void {
    this.#leases.checkClocks();
  }

  voidLeases(): void {
    this.dataPlane.voidLeases();
  }

  // ---- the control plane

  get disk(): NodePorts['disk'] {
    return this.ports.disk;
  }

  send(address: string, opcode: number, encode: (frames: FrameWriter) => void): boolean {
    const frames = this.#links.get(address)?.control?.frames;
    if (frames === undefined) return false;
    frames.begin(opcode, 0);
    encode(frames);
    frames.end();
    return true;
  }

  control(peer: Peer, opcode: number, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#control.frame(peer.name, opcode, bytes, start, end);
  }

  bookChanged(book: Book, before: Book | null): void {
    this.touch();
    this.roster.bookChanged(book);
    if (before === null) this.#requests.resize(book.partitions.length);
    logMembers(this.log, book, before);
    logLost(this.log, book, before);
    this.dataPlane.bookChanged(book, before);
    this.#tableChanged = true;
  }

  failed(error: KeyvalError): void {
    this.log.write('fatal', 'this node cannot go on', { code: error.code, message: error.message });
    this.onFailure?.(error);
  }

  get book(): Book | null {
    return this.dataPlane.book;
  }

  get isCommander(): boolean {
    return this.#control.isCommander;
  }

  get handOvers(): HandOvers {
    return this.dataPlane.handOvers;
  }

  propose(command: Command): void {
    this.#control.propose(command);
  }

  get commanderHeardMs(): number {
    return this.#control.commanderHeardMs;
  }

  controlStatus(): ControlStatus {
    return this.#control.status;
  }

  requestTransfer(partition: number, to: number): string | null {
    return this.#desk.transfer(partition, to);
  }

  /** Whoever is connected comes back to another history of the cluster, or not at all (control/reform.ts). */
  reform(isTrial: boolean): string | null {
    return isTrial ? this.#control.obstacleToReform() : this.#control.reform(() => this.connections.endAll());
  }

  get address(): string {
    return this.settings.address;
  }

  /** R18, at the primary. */
  reportUnreachable(partition: PartitionPrimary, slots: readonly number[]): void {
    const address = this.#control.commanderAddress;
    if (this.isCommander) return this.#desk.report(this.roster.self, partition.id, partition.epoch, slots);
    if (address === null) return;
    this.send(address, REPT, (frames) => {
      frames.u16(partition.id);
      frames.u32(partition.epoch);
      frames.u8(slots.length);
      for (const slot of slots) frames.u16(slot);
    });
  }

  /** R18, at the commander. */
  reported(peer: Peer, partition: number, epoch: number, slots: readonly number[]): void {
    this.#desk.report(peer.slot, partition, epoch, slots);
  }

  // ---- what requests ask for

  get partitions(): number {
    return this.book?.partitions.length ?? this.settings.partitions;
  }

  get primaries(): readonly (PartitionPrimary | null)[] {
    return this.dataPlane.primaries;
  }

  get backups(): readonly (PartitionBackup | null)[] {
    return this.dataPlane.backups;
  }

  hasRoomHere(bytes: number): boolean {
    return this.memory.hasRoom(bytes);
  }

  reserveHere(bytes: number): boolean {
    return this.memory.reserve(bytes);
  }

  get usedBytes(): number {
    return this.memory.usedBytes;
  }

  writeLarge(
    partition: PartitionPrimary,
    kind: number,
    to: Connection,
    messageId: number,
    body: Uint8Array,
    value: Uint8Array,
  ): void {
    if (!partition.writable) return replyFail(to, messageId, 'KV_NO_QUORUM', partition.obstacle());
    this.dataPlane.largeWrites.begin(partition, kind, to, messageId, body, value);
  }

  // ---- time

  #endOfTurn(): void {
    this.connections.relieved();
    if (this.#tableChanged) this.#pushTable();
    this.dataPlane.endOfTurn();
    if (this.#whenServing.length > 0) this.#checkServing();
  }

  #tick(): void {
    this.#leases.checkClocks();
    this.#tickedAtMs = this.nowMs;
    this.#tickTimer = this.ports.timers.after(HEARTBEAT_MS, () => this.#tick());
    this.memory.measure(this.dataPlane.partitions.replicas, this.#requests.stagedBytes + this.dataPlane.bytesOnTheWay);
    this.dataPlane.staleReads.vouch();
    const paused = this.#links.tick();
    this.dataPlane.tick(paused, this.#isOrphan);
    this.#desk.tick();
    this.connections.tick();
    this.#requests.tick();
    this.#checkServing();
  }

  // ---- what it tells

  table(): RoutingTable {
    return tableOf(this.book, this.roster.self, this.settings);
  }

  /** Clients that find primaries themselves are told at once where they are now. */
  #pushTable(): void {
    this.#tableChanged = false;
    const table = this.table();
    for (const connection of this.connections) {
      if (!connection.routes || connection.closed) continue;
      connection.frames.begin(TABL, 0);
      encodeTable(connection.frames, table);
      connection.frames.end();
    }
  }

  readonly protocolVersion: number = PROTOCOL_VERSION;

  status(): string {
    return JSON.stringify(nodeStatus(this));
  }
}
