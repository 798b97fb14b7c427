/**
 * One node: members and their links, the partitions it is primary or backup of, and the clock that drives them. It knows
 * no socket and no timer of the system; `io/` and the simulator bring those.
 */
import { Arena } from '../base/arena.ts';
import { assert } from '../base/assert.ts';
import type { Channel, ChannelHandler, Crypto, Log, Random, TimerHandle } from '../base/ports.ts';
import { place } from '../cluster/placement.ts';
import type { KeyvalError } from '../errors.ts';
import { type Hello, INCARNATION_BYTES, type RoutingTable } from '../protocol/hello-codec.ts';
import { LOGIN_TIMEOUT_MS, PROTOCOL_VERSION } from '../protocol/limits.ts';
import * as peerCodec from '../protocol/peer-codec.ts';
import { ATTACHMENT_BYTES } from '../replication/attachments.ts';
import { BackupState } from '../replication/primary.ts';
import { isCongested } from './admission.ts';
import { Connection } from './connection.ts';
import { Connections } from './connections.ts';
import { Forwarder } from './forwarder.ts';
import { sendLargeValue } from './large-values.ts';
import { LargeWrites } from './large-writes.ts';
import { Links } from './links.ts';
import { LoginHandler } from './login-handler.ts';
import { NodeMemory } from './node-memory.ts';
import { ParkedRequests, timeLeftOf } from './parked-requests.ts';
import { PartitionBackup } from './partition-backup.ts';
import { PartitionPrimary } from './partition-primary.ts';
import { HEARTBEAT_MS, type Peer } from './peer.ts';
import { PeerHandler } from './peer-handler.ts';
import type { PeerIdentity } from './peer-hello.ts';
import type { NodePorts } from './ports.ts';
import { Replicator } from './replicator.ts';
import { type ReplyTarget, replyFail } from './reply.ts';
import { RequestHandler } from './request-handler.ts';
import type { NodeSettings } from './settings.ts';
import { nodeStatus } from './status.ts';

export class Node {
  readonly settings: NodeSettings;
  readonly incarnation: Uint8Array = new Uint8Array(INCARNATION_BYTES);
  readonly identity: PeerIdentity;
  readonly self: number;
  readonly partitions: number;
  readonly arena: Arena;
  /** By member; null at `self`. */
  readonly peers: readonly (Peer | null)[];
  readonly primaries: (PartitionPrimary | null)[] = [];
  readonly backups: (PartitionBackup | null)[] = [];
  readonly primaryMembers: Uint16Array;
  readonly forwarder: Forwarder = new Forwarder();
  readonly ports: NodePorts;
  readonly log: Log;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly startedAtMs: number;
  nowMs: number;
  stopping = false;
  readonly connections: Connections;
  readonly #login: LoginHandler;
  readonly #requests: RequestHandler;
  readonly #replicator: Replicator;
  readonly #largeWrites: LargeWrites;
  readonly #parked: ParkedRequests;
  readonly #links: Links;
  readonly #turnHook: () => void;
  #tickTimer: TimerHandle | null = null;
  #epoch = 0;
  readonly memory: NodeMemory;
  readonly #whenServing: (() => void)[] = [];

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
    this.partitions = settings.partitions;
    this.self = settings.members.indexOf(settings.address);
    assert(this.self >= 0, 'node: the own address is among the members');
    const { address, members, partitions, replicas } = settings;
    this.identity = { address, members, partitions, replicas };
    this.connections = new Connections(this);
    this.#links = new Links(this, this.self, new PeerHandler(this));
    this.peers = this.#links.peers;
    this.primaryMembers = new Uint16Array(partitions);
    this.#replicator = new Replicator(this.peers, this.incarnation);
    this.#largeWrites = new LargeWrites(this.peers, this.log);
    this.#parked = new ParkedRequests();
    this.#login = new LoginHandler(this);
    this.#requests = new RequestHandler(this);
    this.#turnHook = (): void => this.#endOfTurn();
    this.#placePartitions();
  }

  #placePartitions(): void {
    const { members, partitions, replicas } = this.settings;
    const weighted = members.map((id) => ({ id, weight: 1 }));
    const placement = place(weighted, partitions, Math.min(replicas, members.length));
    placement.replicas.forEach((replicaMembers, partition) => {
      const [primary, ...backups] = replicaMembers as [number, ...number[]];
      this.primaryMembers[partition] = primary;
      this.primaries[partition] =
        primary === this.self
          ? new PartitionPrimary(partition, backups, this.arena, this, (stage) => this.#largeWrites.take(stage))
          : null;
      this.backups[partition] = backups.includes(this.self)
        ? new PartitionBackup(partition, primary, this.arena, (stage) => this.#stagedBy(primary, stage))
        : null;
    });
  }

  #stagedBy(member: number, stage: number): Uint8Array {
    const value = (this.peers[member] as Peer).stages.take(stage);
    assert(value !== null, 'a staged value is named only after it is whole');
    return value;
  }

  // ---- life

  /** Dials the peers, and opens the partitions at the next full second. */
  start(): void {
    this.touch();
    this.ports.turn.onEnd(this.#turnHook);
    this.#links.start(this.self);
    this.#tickTimer = this.ports.timers.after(HEARTBEAT_MS, () => this.#tick());
    this.#openAtNextSecond();
  }

  /**
   * First epochs are Unix seconds (replication.md, "Founding"). An epoch is served only once its second has begun and is
   * later than the process's start, so two lives of one node never share an epoch and tokens grow over a restart (L2).
   */
  #openAtNextSecond(): void {
    const now = this.ports.clock.unixMs();
    this.#epoch = Math.floor(now / 1000) + 1;
    const open = (): void => {
      if (this.stopping) return;
      const left = this.#epoch * 1000 - this.ports.clock.unixMs();
      if (left > 0) this.ports.timers.after(left, open);
      else this.#open();
    };
    open();
  }

  #open(): void {
    this.touch();
    for (const partition of this.primaries) partition?.open(this.#epoch, this.ports.clock.unixMs());
    this.#checkServing();
    this.ports.turn.wake();
  }

  /** Resolves when every partition of this node takes writes. */
  serving(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenServing.push(resolve);
      this.#checkServing();
    });
  }

  get isServing(): boolean {
    if (this.#epoch === 0 || this.stopping) return false;
    return this.primaries.every((partition) => partition === null || partition.writable);
  }

  #checkServing(): void {
    if (this.#whenServing.length === 0 || !this.isServing) return;
    for (const resolve of this.#whenServing.splice(0)) resolve();
  }

  /** Refuses what is new, answers what is under way for at most `graceMs`, then closes everything. */
  async stop(graceMs: number): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.#links.stopDialling();
    const deadline = this.ports.clock.monotonicMs() + graceMs;
    await this.#requests.stop();
    while (this.#unfinished && this.ports.clock.monotonicMs() < deadline) await this.#pause(5);
    this.#tickTimer?.cancel();
    for (const connection of this.connections) connection.endSoon();
    while (this.connections.size > 0 && this.ports.clock.monotonicMs() < deadline) await this.#pause(5);
    for (const connection of [...this.connections]) connection.destroy();
    this.#links.stop();
    this.ports.turn.removeHook(this.#turnHook);
  }

  get #unfinished(): boolean {
    return this.primaries.some(
      (partition) => partition?.primary.serving === true && partition.applied < partition.log.next,
    );
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.ports.timers.after(ms, resolve);
    });
  }

  // ---- connections

  touch(): number {
    this.nowMs = this.ports.clock.monotonicMs();
    return this.nowMs;
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

  stagedBytesOf(connection: Connection): number {
    return this.#requests.stagedBytesOf(connection);
  }

  request(connection: Connection): void {
    this.#requests.frame(connection);
  }

  // ---- links between nodes

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

  /** What was sent and not acknowledged goes out again (R15). */
  linked(peer: Peer): void {
    for (const partition of this.#primariesWith(peer)) {
      partition.primary.resend(partition.backupMembers.indexOf(peer.member));
      partition.commitTold = 0; // the link that broke may have taken it along
      partition.changed();
      this.#replicator.existed(partition);
    }
    this.ports.turn.wake();
  }

  controlLost(peer: Peer): void {
    this.forwarder.linkLost(peer.member, peer.name);
  }

  bulkLost(peer: Peer): void {
    this.#largeWrites.linkLost(peer);
  }

  bulkLinked(peer: Peer): void {
    this.#largeWrites.bulkLinked(peer);
  }

  unpark(): void {
    this.ports.turn.wake();
  }

  /** R3, R4: a restart is a new member as far as memory goes. */
  restarted(peer: Peer): void {
    let lost = 0;
    for (const partition of this.#primariesWith(peer)) {
      const backup = partition.backupMembers.indexOf(peer.member);
      partition.primary.restarted(backup);
      if (partition.primary.states[backup] === BackupState.restarted) lost += 1;
    }
    this.log.write('warn', 'peer restarted', { peer: peer.name, partitionsWithoutIt: lost });
  }

  *#primariesWith(peer: Peer): Iterable<PartitionPrimary> {
    for (const partition of this.primaries) {
      if (partition !== null && partition.primary.epoch > 0 && partition.backupMembers.includes(peer.member))
        yield partition;
    }
  }

  // ---- what partitions ask for

  replicate(partition: PartitionPrimary): void {
    this.#replicator.changed(partition);
    this.ports.turn.work += 1;
    this.ports.turn.hold();
    this.ports.turn.wake();
  }

  acknowledge(partition: PartitionBackup): void {
    this.#replicator.taken(partition);
    this.ports.turn.wake();
  }

  /** A backup does not follow: it holds state of a former life of this node, or has seen a higher epoch. */
  ackStatus(partition: PartitionPrimary, peer: Peer, status: number, epoch: number): void {
    const { primary } = partition;
    const backup = partition.backupMembers.indexOf(peer.member);
    if (status === peerCodec.AckStatus.refused) {
      this.#tellRefusal(peer);
      primary.refused(backup);
      this.#replicator.existed(partition);
      this.ports.turn.wake();
    } else if (!primary.serving && !primary.existed && epoch >= primary.epoch) {
      partition.open(Math.max(epoch + 1, this.#epoch), this.ports.clock.unixMs());
    }
  }

  /** Once a peer: all partitions that both keep have the same cause. */
  #tellRefusal(peer: Peer): void {
    if (peer.refusalTold) return;
    peer.refusalTold = true;
    const message = this.backupObstacle(peer.member, BackupState.refusing);
    this.log.write('error', 'backup refuses', { code: 'KV_RESTARTED', peer: peer.name, message });
  }

  backupHealthy(member: number): boolean {
    return (this.peers[member] as Peer).state === 'up';
  }

  backupObstacle(member: number, state: number): string | null {
    const peer = this.peers[member] as Peer;
    if (state === BackupState.restarted) {
      return `KV_RESTARTED: ${peer.name} was restarted and lost its copy; stop all nodes and start them again to begin empty`;
    }
    if (state === BackupState.refusing) {
      return `KV_RESTARTED: this node was restarted and ${peer.name} holds state of its former life; stop all nodes and start them again to begin empty`;
    }
    if (peer.state !== 'up') return `replica ${peer.name}: ${peer.reason}`;
    return state === BackupState.following ? null : `replica ${peer.name} has not joined yet`;
  }

  hasRoomHere(bytes: number): boolean {
    return this.memory.hasRoom(bytes);
  }

  reserveHere(bytes: number): boolean {
    return this.memory.reserve(bytes);
  }

  get memoryFull(): boolean {
    return this.memory.full;
  }

  hasRoom(bytes: number, partition: PartitionPrimary): boolean {
    if (!this.hasRoomHere(bytes)) return false;
    const { backupMembers } = partition;
    for (let backup = 0; backup < backupMembers.length; backup += 1) {
      if ((this.peers[backupMembers[backup] as number] as Peer).memoryFull) return false;
    }
    return true;
  }

  /** Entries that backups have yet to acknowledge, where they can: more would only make everybody wait longer. */
  get congested(): boolean {
    return isCongested(this.primaries);
  }

  hasRoomForSession(partition: PartitionPrimary): boolean {
    return this.hasRoom(ATTACHMENT_BYTES, partition) || this.memory.hasRoomForSession;
  }

  get usedBytes(): number {
    return this.memory.usedBytes;
  }

  staged(peer: Peer, stage: number, error: KeyvalError | null): void {
    this.#largeWrites.staged(peer, stage, error);
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
    this.#largeWrites.begin(partition, kind, to, messageId, body, value);
  }

  sendLarge(
    to: ReplyTarget,
    messageId: number,
    value: Uint8Array,
    epoch: number,
    operation: number,
    ttlMs: number,
  ): void {
    if (!(to instanceof Connection)) return;
    if (to.peer >= 0)
      return replyFail(to, messageId, 'KV_MOVED', `a value of ${value.length} bytes is served only by its primary`);
    sendLargeValue(to, messageId, value, epoch, operation, ttlMs).catch(() => to.destroy());
  }

  park(
    partition: PartitionPrimary,
    position: number,
    to: ReplyTarget,
    messageId: number,
    opcode: number,
    body: Uint8Array,
  ): void {
    this.#parked.add({
      partition,
      position,
      to: to as Connection,
      messageId,
      opcode,
      body,
      untilMs: this.nowMs + timeLeftOf(body),
    });
  }

  // ---- time

  #endOfTurn(): void {
    if (this.#parked.size > 0) this.#parked.retry(this.#requests, this.nowMs);
    this.connections.relieved();
    this.#replicator.endOfTurn();
    if (this.#whenServing.length > 0) this.#checkServing();
  }

  #tick(): void {
    this.touch();
    this.#tickTimer = this.ports.timers.after(HEARTBEAT_MS, () => this.#tick());
    this.#measureMemory();
    const paused = this.#links.tick();
    for (const partition of this.primaries) {
      if (partition === null) continue;
      if (paused) partition.restartSessionClocks();
      partition.tick();
      this.#replicator.tellCommit(partition);
    }
    this.#replicator.batchesTold();
    this.connections.tick();
    this.#requests.tick();
    if (this.#parked.size > 0 || this.#replicator.pending) this.ports.turn.wake();
    this.#checkServing();
  }

  #measureMemory(): void {
    let onTheWay = this.#requests.stagedBytes + this.#largeWrites.bytes;
    for (const peer of this.peers) onTheWay += peer?.stages.bytes ?? 0;
    for (const backup of this.backups) onTheWay += backup?.namedBytes ?? 0;
    this.memory.measure([...this.primaries, ...this.backups], onTheWay);
  }

  // ---- what it tells

  table(): RoutingTable {
    const { members } = this.settings;
    return {
      version: PROTOCOL_VERSION,
      partitions: this.partitions,
      self: this.self,
      members,
      primaries: this.primaryMembers,
    };
  }

  status(): string {
    return JSON.stringify(nodeStatus(this));
  }
}
