/**
 * This node as a member of a cluster: its copy of the Raft log, the book that follows from it, and at the leader the care
 * for who gets the log and who votes.
 */
import { assert } from '../../base/assert.ts';
import type { Book } from '../../cluster/book.ts';
import type { Command } from '../../cluster/commands.ts';
import { KeyvalError } from '../../errors.ts';
import { encodeFounder, type Founder, raftOpcodes } from '../../protocol/control-codec.ts';
import type { FrameWriter } from '../../protocol/frame-writer.ts';
import * as op from '../../protocol/opcode.ts';
import { encodeRaftMessage } from '../../protocol/raft-codec.ts';
import { type Entry, EntryKind, type Message, NOBODY, type NodeId, type Snapshot } from '../../raft/messages.ts';
import type { RaftStatus } from '../../raft/raft.ts';
import { defaultRaftSettings } from '../../raft/settings.ts';
import { applyCommand, decodeBook, decodeCommand, encodeBook, encodeCommand } from './book-machine.ts';
import type { ControlPorts } from './host.ts';
import { JoinDesk } from './join-desk.ts';
import { Joining } from './joining.ts';
import { Leadership } from './leadership.ts';
import type { LinkedPeers } from './linked-peers.ts';
import { nextChange } from './membership.ts';
import { type DriverHost, RaftDriver } from './raft-driver.ts';
import { type Opened, type StateKeeper, stateError } from './state-keeper.ts';
import type { Waiting } from './waiting.ts';

export interface MemberHost {
  readonly ports: ControlPorts;
  readonly keeper: StateKeeper;
  readonly peers: LinkedPeers;
  readonly waiting: Waiting;
  /** This node, as it asks to be taken in. */
  readonly self: Founder;
  send(address: string, opcode: number, encode: (frames: FrameWriter) => void): boolean;
  bookChanged(book: Book, before: Book | null): void;
  failed(error: KeyvalError): void;
}

export class ClusterMember implements DriverHost {
  readonly ports: ControlPorts;
  readonly #host: MemberHost;
  readonly #driver: RaftDriver;
  readonly #joining: Joining;
  readonly #joinDesk: JoinDesk;
  readonly leadership: Leadership;
  #seniority: readonly NodeId[] = [];
  #leader: NodeId = NOBODY;
  /** When this node was the commander last: Raft tells only when it heard others. */
  #actedMs = Number.NEGATIVE_INFINITY;
  book: Book | null = null;

  /** @throws KeyvalError when the book in the directory is of a newer version */
  constructor(host: MemberHost, opened: Opened) {
    const { ports, keeper, peers, self } = host;
    this.ports = ports;
    this.#host = host;
    const { data } = opened.state.snapshot;
    if (data.length > 0) this.book = decodeBook(data);
    if (data.length > 0 && this.book === null) throw newer('the book');
    this.#driver = new RaftDriver(this, keeper.nodeId, opened);
    this.#joining = new Joining(peers, self);
    this.#joinDesk = new JoinDesk(ports, peers, (command) => this.#propose(command));
    const nameOf = (id: NodeId): string => this.nameOf(id);
    this.leadership = new Leadership(ports.clock, ports.log, keeper.nodeId, nameOf, this.raft);
  }

  /**
   * `isFirst`: it has just founded the cluster, before all others, so that nobody can be leading. `before`: the book that
   * is known to the node, of the history that was reformed.
   */
  start(isFirst: boolean, before: Book | null = null): void {
    const { self } = this.#host;
    if (this.book !== null) this.#changed(this.book, before);
    const { voters } = this.configuration;
    const isAlone = voters.length === 1 && voters[0] === self.nodeId;
    if (isFirst || isAlone) this.#driver.stand(self.nodeId);
    else this.#driver.wake();
  }

  stop(): void {
    this.#driver.stop();
  }

  // ── status ──

  get raft(): RaftStatus {
    return this.#driver.status;
  }

  /** Behind the last entry applied; and the term of the last one. */
  get unapplied(): readonly Entry[] {
    return this.#driver.raft.unapplied;
  }

  get lastTerm(): number {
    return this.#driver.raft.lastTerm;
  }

  get configuration(): RaftDriver['raft']['configuration'] {
    return this.#driver.raft.configuration;
  }

  /** '' unknown. */
  get leaderAddress(): string {
    const { leader } = this.raft;
    return leader === NOBODY ? '' : this.addressOf(leader);
  }

  /** This life was taken off the book. */
  get isOver(): boolean {
    return this.#joining.isOver(this.book);
  }

  /** When a commander was heard last, this node included; −∞ never. */
  get commanderHeardMs(): number {
    const { leaderHeardMs, mayAct } = this.raft;
    return mayAct ? this.ports.clock.monotonicMs() : Math.max(leaderHeardMs, this.#actedMs);
  }

  get isTakenIn(): boolean {
    return this.#joining.isTakenIn(this.book);
  }

  /** '' unknown. */
  addressOf(id: NodeId): string {
    const { self, peers } = this.#host;
    if (id === self.nodeId) return self.address;
    const member = this.book?.members.find((one) => one?.id === id);
    return peers.withNode(id)?.address ?? member?.address ?? '';
  }

  nameOf(id: NodeId): string {
    const address = this.addressOf(id);
    return address === '' ? `node ${id.toString(16).padStart(12, '0')}` : address;
  }

  // ── in ──

  step(message: Message): void {
    this.#driver.step(message);
  }

  /** At the leader at once, elsewhere passed on to it. */
  propose(command: Command): void {
    if (this.raft.role === 'leader') return this.#propose(command);
    const bytes = encodeCommand(command);
    this.#host.send(this.leaderAddress, op.PROP, (frames) => frames.bytes(bytes, 0, bytes.length));
  }

  /** A proposal that another node has passed on; false: it is none. */
  proposed(bytes: Uint8Array): boolean {
    const command = decodeCommand(bytes);
    if (command === null) return false;
    if (this.raft.role === 'leader') this.#propose(command);
    return true;
  }

  #propose(command: Command): void {
    const result = this.#driver.propose(encodeCommand(command));
    if ('refused' in result)
      this.ports.log.write('debug', 'proposal lost', { kind: command.kind, why: result.refused });
  }

  /** A node asks to be taken in, or for a vote; by itself, or through another member. */
  joinAsked(from: string, founder: Founder): void {
    if (this.raft.role === 'leader') return this.#joinDesk.asked(founder, this.book);
    const leader = this.leaderAddress;
    if (from !== founder.address || leader === '' || leader === from) return;
    this.#host.send(leader, op.JOIN, (frames) => encodeFounder(frames, founder));
  }

  /** A link is up: what was asked before may not have arrived. */
  linked(): void {
    this.#joining.hurry();
    this.#askToBeTakenIn();
  }

  transferLeadership(): void {
    if (this.raft.role !== 'leader') return;
    const { progress } = this.#driver.raft;
    const { peers, self } = this.#host;
    const voters = this.configuration.voters.filter((id) => id !== self.nodeId && peers.withNode(id) !== null);
    const place = (id: NodeId): number => {
      const at = this.#seniority.indexOf(id);
      return at < 0 ? this.#seniority.length : at;
    };
    const matchOf = (id: NodeId): number => progress.get(id)?.match ?? 0;
    const [best] = voters
      .filter((id) => this.#isHeard(id))
      .sort((a, b) => matchOf(b) - matchOf(a) || place(a) - place(b));
    if (best === undefined) return;
    this.ports.log.write('info', 'handing over leadership', { to: this.nameOf(best) });
    this.#driver.transfer(best);
  }

  // ── time ──

  tick(): void {
    this.#askToBeTakenIn();
    this.#keepConfiguration();
  }

  #askToBeTakenIn(): void {
    const { ports, waiting, self, keeper } = this.#host;
    const { isTakenIn } = this;
    if (this.isOver) return waiting.for('its end: it was taken off the book; start it again to let it join anew');
    if (isTakenIn) waiting.over();
    else waiting.for(this.#absenceText());
    if (isTakenIn && !this.#joining.wantsVote(this.configuration)) return;
    if (!this.#joining.isDue(ports.clock.monotonicMs(), isTakenIn)) return;
    if (this.raft.role === 'leader') return this.#joinDesk.asked(self, this.book);
    const address = this.#joining.whom(keeper.clusterId, this.leaderAddress);
    if (address !== '') this.#host.send(address, op.JOIN, (frames) => encodeFounder(frames, self));
  }

  #absenceText(): string {
    const { keeper, peers } = this.#host;
    const leader = this.leaderAddress;
    if (leader !== '') return `the commander ${leader} to enter this life of this node into the book`;
    const absent = this.configuration.voters.filter((id) => id !== keeper.nodeId && peers.withNode(id) === null);
    const names = absent.map((id) => this.nameOf(id)).join(', ');
    return `a commander of cluster ${keeper.clusterId}${names === '' ? '' : `; not linked: ${names}`}`;
  }

  #keepConfiguration(): void {
    const { book } = this;
    const { keeper } = this.#host;
    if (book === null || !this.raft.mayAct) return;
    const { progress } = this.#driver.raft;
    const change = nextChange({
      self: keeper.nodeId,
      configuration: this.configuration,
      book,
      isHeard: (id) => this.#isHeard(id),
      isReadyToVote: (id) => this.#joinDesk.wantsVote(id) && progress.get(id)?.state === 'replicate',
    });
    if (change === null) return;
    const result = this.#driver.proposeChange(change);
    if ('refused' in result) return; // it is tried again
    this.ports.log.write('info', 'configuration', { change: change.kind, node: this.nameOf(change.id) });
  }

  #isHeard(id: NodeId): boolean {
    const heardMs = this.#driver.raft.progress.get(id)?.heardMs ?? Number.NEGATIVE_INFINITY;
    return this.ports.clock.monotonicMs() - heardMs < defaultRaftSettings.electionMs;
  }

  // ── what the driver does ──

  send(message: Message): void {
    const opcode = raftOpcodes.get(message.type);
    const peer = this.#host.peers.withNode(message.to);
    assert(opcode !== undefined, 'control: every message of Raft has its opcode');
    if (peer !== null) this.#host.send(peer.address, opcode, (frames) => encodeRaftMessage(frames, message));
  }

  load({ data }: Snapshot): void {
    const book = decodeBook(data);
    if (book === null) this.#host.failed(newer('the book'));
    else this.#changed(book, this.book);
  }

  apply({ kind, data, index }: Entry): void {
    if (kind !== EntryKind.command) return;
    const before = this.book;
    assert(before !== null, 'control: a book is founded before it is changed');
    const command = decodeCommand(data);
    if (command === null) return this.#host.failed(newer(`entry ${index} of the book`));
    const { book, refused } = applyCommand(before, command);
    if (refused !== null) this.#tellRefused(command, refused);
    if (book.version !== before.version) this.#changed(book, before);
  }

  #tellRefused(command: Command, why: string): void {
    // Of two proposals for one version of a partition one is refused: that is how it is meant to be.
    const isWorthTelling = this.raft.role === 'leader' && !('partition' in command);
    this.ports.log.write(isWorthTelling ? 'info' : 'debug', 'command refused', { ...command, why });
  }

  save(): Uint8Array {
    assert(this.book !== null, 'control: what was applied has made a book');
    return encodeBook(this.book);
  }

  turned(): void {
    const { raft } = this;
    if (raft.mayAct) this.#actedMs = this.ports.clock.monotonicMs();
    this.leadership.observe(raft);
    if (raft.leader === this.#leader) return;
    this.#leader = raft.leader;
    this.#joinDesk.reset();
    this.#joining.hurry();
    if (raft.leader !== NOBODY) this.#askToBeTakenIn();
  }

  failed(error: Error): void {
    this.#host.failed(stateError(error, this.#host.keeper.path));
  }

  #changed(book: Book, before: Book | null): void {
    this.book = book;
    this.#joinDesk.bookChanged(book, before);
    this.#followSeniority(book);
    this.#host.bookChanged(book, before);
  }

  /** Who is down does not stand for election: nobody is to wait for it. */
  #followSeniority({ members }: Book): void {
    const up = members
      .filter((member) => member !== null && member.health === 'up')
      .filter((member) => member !== null);
    const ids = up.sort((one, other) => one.joinedAt - other.joinedAt || one.slot - other.slot).map(({ id }) => id);
    if (ids.length === this.#seniority.length && ids.every((id, place) => id === this.#seniority[place])) return;
    this.#seniority = ids;
    this.#driver.raft.setSeniority(ids);
  }
}

function newer(what: string): KeyvalError {
  return new KeyvalError('KV_VERSION', `${what} was written by a newer version of keyval; upgrade this node`);
}
