/**
 * The control plane of one node (shared design): it founds a cluster with the others or joins the one they have, keeps a
 * copy of the book by following the Raft log, and leads where it is elected.
 *
 *     no cluster yet ── Founding ── all have promised ────► ClusterMember: Raft, book
 *            └───────── JOIN ────── a leader sends entries ──►      ▲
 *     directory that names a cluster ───────────────────────────────┘
 */
import type { TimerHandle } from '../../base/ports.ts';
import type { Book } from '../../cluster/book.ts';
import type { Command } from '../../cluster/commands.ts';
import { KeyvalError } from '../../errors.ts';
import * as codec from '../../protocol/control-codec.ts';
import type { FrameWriter } from '../../protocol/frame-writer.ts';
import * as op from '../../protocol/opcode.ts';
import { decodeRaftMessage, type RaftMessageType } from '../../protocol/raft-codec.ts';
import { noMembers } from '../../raft/configuration.ts';
import type { Message, Snapshot } from '../../raft/messages.ts';
import { encodeBook, firstBook } from './book-machine.ts';
import { ClusterMember } from './cluster-member.ts';
import { Founding, type FoundingHost } from './founding.ts';
import { firstConfiguration, founderOf } from './founding-set.ts';
import type { ControlHost, ControlIdentity, ControlPorts, ControlStatus, PeerFacts } from './host.ts';
import { LinkedPeers } from './linked-peers.ts';
import { nextClusterId, obstacleToReform, readyOf, reformedBook, reformedState } from './reform.ts';
import { type Opened, StateKeeper, stateError } from './state-keeper.ts';
import { controlStatus } from './status.ts';
import { Waiting } from './waiting.ts';

const TICK_MS = 100;
/** Those who found tell each other how they were started, this often. */
const INTRODUCE_AGAIN_MS = 500;

const FOUNDED = 'cluster founded';

const NOTHING: Uint8Array = new Uint8Array(0);

export class ControlPlane implements FoundingHost {
  readonly ports: ControlPorts;
  readonly identity: ControlIdentity;
  readonly keeper: StateKeeper;
  readonly peers: LinkedPeers = new LinkedPeers();
  readonly waiting: Waiting;
  readonly self: codec.Founder;
  readonly #host: ControlHost;
  readonly #founding: Founding;
  #member: ClusterMember | null = null;
  #opened: Opened | null = null;
  readonly #startedMs: number;
  /** When a member of the own cluster was linked last. */
  #linkedMs = Number.NEGATIVE_INFINITY;
  /** The cluster that this node asks to be taken into; '' none. */
  #joins = '';
  #introducedMs = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle | null = null;
  #isStopped = false;
  #hasFailed = false;

  /** @throws KeyvalError when the directory cannot be used: damaged, newer, or of another cluster */
  constructor(host: ControlHost) {
    const { ports, identity, disk } = host;
    this.#host = host;
    this.ports = ports;
    this.#startedMs = ports.clock.monotonicMs();
    this.identity = identity;
    this.keeper = new StateKeeper(disk, ports.random, (error) => this.failed(error));
    this.waiting = new Waiting(ports.clock, ports.log);
    this.self = founderOf({ identity, nodeId: this.keeper.nodeId, isVolatile: this.keeper.isVolatile });
    this.#founding = new Founding(this);
    if (this.keeper.clusterId !== '') this.#member = this.#open(this.keeper.open());
  }

  #open(opened: Opened): ClusterMember {
    const { keeper, ports, identity } = this;
    const { tornBytes } = opened;
    if (tornBytes > 0) ports.log.write('info', 'torn record dropped', { directory: keeper.path, bytes: tornBytes });
    const member = new ClusterMember(this, opened);
    const { clusterName: name = identity.cluster, clusterId = keeper.clusterId } = member.book?.settings ?? {};
    keeper.belongsTo(clusterId);
    this.#opened = opened;
    if (name === identity.cluster) return member;
    throw new KeyvalError(
      'KV_WRONG_CLUSTER',
      `${keeper.path} belongs to cluster '${name}', this node was started for '${identity.cluster}'; ` +
        'name another directory with --data, or the right cluster with --cluster',
    );
  }

  start(): void {
    this.keeper.start(() => this.#consider());
    this.#member?.start(false);
    this.#tick();
  }

  #tick(): void {
    if (this.#isStopped) return;
    this.#timer = this.ports.timers.after(TICK_MS, () => this.#tick());
    this.#consider();
    this.#introduce();
    if (this.peers.membersOf(this.clusterId).length > 0) this.#linkedMs = this.ports.clock.monotonicMs();
    this.#member?.tick();
  }

  // ── links ──

  /** The control link to `address` is up, for the first time or again. */
  linked(address: string, facts: PeerFacts): void {
    this.#founding.unlinked(address);
    const peer = this.peers.add(address, facts);
    const { clusterId } = this.keeper;
    if (peer.nodeId === this.keeper.nodeId) return this.#sameNode(address);
    if (clusterId !== '') this.#announce(address);
    if (clusterId !== '' && peer.clusterId !== '' && peer.clusterId !== clusterId) {
      const fields = { peer: address, theirs: peer.clusterId, ours: clusterId };
      this.ports.log.write('error', 'peer of another cluster', fields);
    }
    this.#introducedMs = Number.NEGATIVE_INFINITY;
    this.#consider();
    this.#introduce();
    this.#member?.linked();
  }

  /** A state directory was copied: two nodes under one id could vote twice. */
  #sameNode(address: string): void {
    this.peers.remove(address);
    const entitled = this.book?.members.find((member) => member?.id === this.nodeId)?.address;
    if (entitled === this.identity.address)
      return this.ports.log.write('error', 'peer with a copied directory', { address });
    this.failed(
      new KeyvalError(
        'KV_STATE',
        `${address} has the same node id: the state directory ${this.keeper.path} is a copy of the other's, or the other ` +
          'way round; move the copy away and start that node with an empty one',
      ),
    );
  }

  unlinked(address: string): void {
    this.peers.remove(address);
    this.#founding.unlinked(address);
  }

  #announce(address: string): void {
    this.send(address, op.FNDC, (frames) => codec.encodeClusterId(frames, this.keeper.clusterId));
  }

  /** Without a cluster: tells those who are to found how this node was started, or asks a member to take it in. */
  #introduce(): void {
    const { keeper, ports, peers, self } = this;
    const nowMs = ports.clock.monotonicMs();
    if (keeper.clusterId !== '' || nowMs - this.#introducedMs < INTRODUCE_AGAIN_MS) return;
    this.#introducedMs = nowMs;
    for (const { address, clusterId } of peers.all) {
      if (clusterId === this.#joins) this.send(address, op.JOIN, (frames) => codec.encodeFounder(frames, self));
    }
  }

  // ── frames ──

  /** @returns false: malformed */
  frame(address: string, opcode: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isStopped) return true;
    const type = codec.raftTypes.get(opcode);
    if (type !== undefined) return this.#raftFrame(address, type, bytes.subarray(start, end));
    switch (opcode) {
      case op.FNDQ:
        return given(codec.decodeFoundingSet(bytes, start, end), (set) => this.#founding.asked(address, set));
      case op.FNDA:
        return given(codec.decodeFoundingAnswer(bytes, start, end), (answer) =>
          this.#founding.answered(address, answer),
        );
      case op.FNDC:
        return given(codec.decodeClusterId(bytes, start, end), (clusterId) => this.#announced(address, clusterId));
      case op.JOIN:
        return given(codec.decodeFounder(bytes, start, end), (founder) => this.#joinAsked(address, founder));
      case op.PROP:
        return this.#proposed(address, bytes.slice(start, end));
      default:
        return false;
    }
  }

  #raftFrame(address: string, type: RaftMessageType, body: Uint8Array): boolean {
    const peer = this.peers.at(address);
    let message: Message;
    try {
      message = decodeRaftMessage(type, body);
    } catch (error) {
      if (error instanceof KeyvalError) return false;
      throw error;
    }
    if (peer === null || message.from !== peer.nodeId || message.to !== this.nodeId || peer.clusterId === '')
      return true;
    if (peer.clusterId === this.keeper.clusterId) this.#member?.step(message);
    else if (peer.clusterId === this.#joins) this.#takenIn(peer.clusterId);
    return true;
  }

  #proposed(address: string, command: Uint8Array): boolean {
    const isFellow = this.clusterId !== '' && this.peers.at(address)?.clusterId === this.clusterId;
    return !isFellow || this.#member === null || this.#member.proposed(command);
  }

  #announced(address: string, clusterId: string): void {
    const peer = this.peers.at(address);
    if (peer === null) return;
    peer.clusterId = clusterId;
    this.#introducedMs = Number.NEGATIVE_INFINITY;
    this.#consider();
    this.#introduce();
  }

  #joinAsked(address: string, founder: codec.Founder): void {
    const theirs = this.peers.at(address)?.clusterId ?? '';
    if (theirs !== '' && theirs !== this.clusterId) return; // of another history
    if (this.#member === null) this.#founding.candidate(address, founder);
    else this.#member.joinAsked(address, founder);
  }

  // ── founding and joining ──

  #consider(): void {
    if (this.#isStopped || this.keeper.clusterId !== '') return;
    this.#joins = '';
    this.#founding.consider();
  }

  join(clusterId: string): void {
    this.#joins = clusterId;
    this.waiting.for(`the commander of cluster ${clusterId} to take this node in`);
  }

  found(set: codec.FoundingSet): void {
    const { clusterId } = set;
    const configuration = firstConfiguration(set);
    // Not at index 0, where an empty log begins: who joins is to see that it lacks this snapshot.
    const snapshot = { index: 1, term: 1, configuration, data: encodeBook(firstBook(set)) };
    const founders = set.founders.map(({ address }) => address);
    this.#belong(clusterId, snapshot, FOUNDED, { founders });
  }

  /** The cluster counts this node among its own: a member sends it what only those get. */
  #takenIn(clusterId: string): void {
    if (this.keeper.isBusy) return; // it is sent again
    const snapshot = { index: 0, term: 0, configuration: noMembers, data: NOTHING };
    this.#belong(clusterId, snapshot, 'cluster joined', {});
  }

  #belong(clusterId: string, snapshot: Snapshot, event: string, fields: Record<string, unknown>): void {
    this.keeper.found(clusterId, snapshot, (opened) => {
      this.#joins = '';
      this.waiting.over();
      this.ports.log.write('info', event, { clusterId, ...fields });
      const member = this.#open(opened);
      this.#member = member;
      const { all } = this.peers;
      for (const { address } of all) this.#announce(address);
      member.start(event === FOUNDED && !all.some((peer) => peer.clusterId === clusterId));
    });
  }

  // ── reforming ──

  /**
   * Makes this node the only voter of a new history of the cluster (reform.ts), whatever the others say. Gives why not, or
   * null: it has begun; `done` when it is durable, and every link and connection belongs to the former history.
   */
  reform(done: () => void): string | null {
    const member = this.#member;
    const why = this.obstacleToReform();
    if (why !== null || member === null || this.#opened === null || member.book === null) {
      this.ports.log.write('warn', 'reform refused', { why });
      return why ?? 'this node knows no book yet';
    }
    const { keeper, ports, clusterId: former, nodeId: self } = this;
    const { raft, unapplied, lastTerm, book: before } = member;
    const clusterId = nextClusterId(former, ports.random);
    const book = reformedBook(before, unapplied, { self, clusterId, unixMs: ports.clock.unixMs() });
    if (book === null) return 'its log has entries of a newer version of keyval; upgrade this node';
    member.stop();
    const forgotten = member.configuration.voters.filter((id) => id !== self).map((id) => member.nameOf(id));
    const { lastIndex: entry, commit } = raft;
    ports.log.write('warn', 'reform begun', { former, clusterId, forgotten, book: book.version, entry, commit });
    const { storage } = this.#opened;
    const state = reformedState(book, raft, lastTerm, self);
    storage.persist(readyOf(state), (error) => {
      if (error !== null) return this.failed(stateError(error, keeper.path));
      if (this.#isStopped) return;
      ports.log.write('warn', 'cluster reformed', { former, clusterId, voters: [this.identity.address] });
      const reformed = this.#open({ storage, state, tornBytes: 0 });
      this.#member = reformed;
      for (const { address } of this.peers.all) this.#announce(address);
      reformed.start(false, before);
      done();
    });
    return null;
  }

  /** Why `reform` would not begin now; null: it would. */
  obstacleToReform(): string | null {
    const { keeper, ports, peers, commanderHeardMs } = this;
    if (this.#isStopped) return 'this node is stopping';
    if (this.book === null) return 'this node knows no book yet';
    if (keeper.isVolatile) return 'this node keeps no state (--data none)';
    if (keeper.isBusy) return 'this node is writing to its state directory; ask again';
    return obstacleToReform({
      nowMs: ports.clock.monotonicMs(),
      startedMs: this.#startedMs,
      commanderHeardMs,
      linkedMs: this.#linkedMs,
      linked: peers.membersOf(this.clusterId).map(({ address }) => address),
    });
  }

  // ── for the node ──

  send(address: string, opcode: number, encode: (frames: FrameWriter) => void): boolean {
    return !this.#isStopped && this.#host.send(address, opcode, encode);
  }

  bookChanged(book: Book, before: Book | null): void {
    if (before === null) this.#compareOptions(book);
    this.#host.bookChanged(book, before);
  }

  /** A cluster keeps what it was founded with. */
  #compareOptions({ settings }: Book): void {
    for (const option of ['partitions', 'replicas'] as const) {
      const [given, kept] = [this.identity[option], settings[option]];
      if (given !== kept) this.ports.log.write('warn', 'option ignored', { option: `--${option}`, given, kept });
    }
  }

  failed(error: KeyvalError): void {
    if (this.#isStopped) return;
    this.#hasFailed = true;
    void this.stop();
    this.#host.failed(error);
  }

  /** Lost without a word when there is no leader, or it leads no more: callers repeat what has not come about. */
  propose(command: Command): void {
    if (!this.#isStopped) this.#member?.propose(command);
  }

  /** To the voter best suited, where this node leads; the leader has changed when `isCommander` is false. */
  transferLeadership(): void {
    if (!this.#isStopped) this.#member?.transferLeadership();
  }

  get nodeId(): number {
    return this.keeper.nodeId;
  }

  /** '' none yet. */
  get clusterId(): string {
    return this.keeper.clusterId;
  }

  get book(): Book | null {
    return this.#member?.book ?? null;
  }

  /** R3: the book as applied here names this life of this node. Before that it answers no peer. */
  get isMember(): boolean {
    return this.#member?.isTakenIn ?? false;
  }

  /** Leads, and has the word of a majority for it. */
  get isCommander(): boolean {
    return !this.#isStopped && (this.#member?.raft.mayAct ?? false);
  }

  get commanderAddress(): string | null {
    const address = this.#member?.leaderAddress ?? '';
    return address === '' ? null : address;
  }

  /** When a commander was heard last, this node included, on the monotonic clock; −∞ never. */
  get commanderHeardMs(): number {
    return this.#member?.commanderHeardMs ?? Number.NEGATIVE_INFINITY;
  }

  get status(): ControlStatus {
    return controlStatus(this, this.#member, this.#hasFailed);
  }

  /** Resolves when nothing is being written any more. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#founding.stop();
    this.#member?.stop();
    return this.keeper.stop();
  }
}

/** Whether there is something, which is then taken. */
function given<T>(value: T | null, take: (value: T) => void): boolean {
  if (value === null) return false;
  take(value);
  return true;
}
