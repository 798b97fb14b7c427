/**
 * What a node does while it leads Raft: it watches the members, asks the policy (cluster/commander.ts) what to change,
 * proposes that, and tells primaries what it wishes. Each leadership begins with a new policy: what was seen before counts
 * no more.
 */
import { hexOf } from '../base/bytes.ts';
import type { Book } from '../cluster/book.ts';
import { Commander, type HeardMember } from '../cluster/commander.ts';
import type { Command } from '../cluster/commands.ts';
import { WISH } from '../protocol/opcode.ts';
import type { HandOvers } from './hand-overs.ts';
import type { NodePorts } from './ports.ts';
import type { Roster } from './roster.ts';
import type { NodeSettings } from './settings.ts';

export interface DeskHost {
  readonly settings: NodeSettings;
  readonly ports: NodePorts;
  readonly nowMs: number;
  readonly roster: Roster;
  readonly handOvers: HandOvers;
  readonly book: Book | null;
  /** This node leads, and has the word of a majority for it. */
  readonly isCommander: boolean;
  propose(command: Command): void;
}

export class CommanderDesk {
  readonly #host: DeskHost;
  #policy: Commander | null = null;

  constructor(host: DeskHost) {
    this.#host = host;
  }

  /** A primary cannot reach the members in `slots` (R18). */
  report(by: number, partition: number, epoch: number, slots: readonly number[]): void {
    if (partition >= (this.#host.book?.partitions.length ?? 0)) return;
    this.#policy?.report({ partition, epoch, by, unreachable: slots }, this.#host.nowMs);
  }

  tick(): void {
    const { book, isCommander, ports, nowMs, roster } = this.#host;
    if (!isCommander || book === null) {
      this.#policy = null;
      return;
    }
    this.#policy ??= new Commander();
    const members = book.members.map((member) => this.#heard(member?.slot ?? -1));
    const { commands, wishes } = this.#policy.decide(book, {
      nowMs,
      unixMs: Math.floor(ports.clock.unixMs()),
      onLoss: this.#host.settings.onLoss,
      self: roster.self,
      members,
    });
    for (const command of commands) this.#host.propose(command);
    for (const { partition, to } of wishes) this.wish(book, partition, to);
  }

  #heard(slot: number): HeardMember | null {
    const peer = this.#host.roster.anyPeerOf(slot);
    if (peer === null) return null;
    const { heardAtMs: heardMs, incarnation } = peer;
    const isStalled = peer.isStalled(this.#host.nowMs);
    return { heardMs, incarnation: incarnation === null ? null : hexOf(incarnation), isStalled };
  }

  /**
   * Asks for a planned hand-over (R17), for good: the member becomes the preferred primary, so that the commander does not
   * move the partition back. Gives why not, or null.
   */
  transfer(partition: number, to: number): string | null {
    const { book } = this.#host;
    const entry = book?.partitions[partition];
    if (book === null || entry === undefined) return 'no cluster has been founded yet';
    if (!entry.target.includes(to)) return 'that member is not to keep the partition';
    const target = [to, ...entry.target.filter((slot) => slot !== to)];
    if (entry.target[0] !== to) this.#host.propose({ kind: 'retarget', partition, version: entry.version, target });
    // What does not come about now the commander asks for when the member has been in sync for a while.
    return entry.primary === to ? null : this.wish(book, partition, to);
  }

  /** Asks the primary of `partition` to hand it over to the member in slot `to`. */
  wish(book: Book, partition: number, to: number): string | null {
    const entry = book.partitions[partition];
    if (entry === undefined) return `there is no partition ${partition}`;
    if (entry.primary === this.#host.roster.self) return this.#host.handOvers.begin(partition, to);
    const frames = this.#host.roster.peerOf(entry.primary)?.control?.frames;
    if (frames === undefined) return 'its primary cannot be reached';
    frames.begin(WISH, 0);
    frames.u16(partition);
    frames.u32(entry.epoch);
    frames.u16(to);
    frames.end();
    return null;
  }
}
