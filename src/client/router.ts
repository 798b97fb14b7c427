/**
 * Which node is primary of a key's partition, as the newest table says. What a node says in MOVD counts until a table
 * comes that is not older: it may know more than the table, or less.
 */

import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import type { Random } from '../base/ports.ts';
import { NO_MEMBER, type RoutingTable } from '../protocol/hello-codec.ts';
import type { KeyBuffer } from './key-buffer.ts';
import type { NodeLink } from './node-link.ts';

export class Router {
  /** To all members of the table. */
  links: readonly NodeLink[] = [];
  /** By place in the table; null where there is no member. */
  #places: readonly (NodeLink | null)[] = [];
  #table: RoutingTable | null = null;
  #shift = 0;
  #primaries: Uint16Array = new Uint16Array(0);
  /** By partition: the member that another one has named as primary in MOVD, or NO_MEMBER. */
  #hints: Uint16Array = new Uint16Array(0);
  #hinted = false;

  get known(): boolean {
    return this.#table !== null;
  }

  get partitions(): number {
    return this.#table === null ? 0 : this.#table.partitions;
  }

  /**
   * Takes a table that is newer; with `anew` an older one as well, but none from before the founding. `linkOf` gives the
   * link of an address. Gives the partitions that have another primary than before; null: the table was not taken.
   */
  learn(table: RoutingTable, linkOf: (address: string) => NodeLink, anew: boolean): readonly number[] | null {
    if (this.#table !== null && !this.#wants(table, this.#table.version, anew)) return null;
    const before = Array.from(this.#primaries, (_, partition) => this.linkOf(partition));
    this.#table = table;
    this.#shift = partitionShift(table.partitions);
    this.#primaries = table.primaries;
    this.#hints = new Uint16Array(table.partitions).fill(NO_MEMBER);
    this.#hinted = false;
    this.#places = table.members.map((address) => (address === '' ? null : linkOf(address)));
    this.links = [...new Set(this.#places.filter((link) => link !== null))];
    const changed: number[] = [];
    for (let partition = 0; partition < table.partitions; partition += 1) {
      const primary = this.linkOf(partition);
      if (primary !== null && primary !== before[partition]) changed.push(partition);
    }
    return changed;
  }

  #wants({ version }: RoutingTable, known: number, anew: boolean): boolean {
    if (version > known) return true;
    return version === known ? anew || this.#hinted : anew && version > 0;
  }

  partitionOf(key: KeyBuffer): number {
    return hashSlot(key.bytes, 0, key.length) >>> this.#shift;
  }

  /** The primary's link; null: the partition has no primary at present. */
  linkOf(partition: number): NodeLink | null {
    const hint = this.#hints[partition] as number;
    if (hint !== NO_MEMBER) {
      const hinted = this.#places[hint];
      if (hinted?.up) return hinted;
    }
    return this.#places[this.#primaries[partition] as number] ?? null;
  }

  /**
   * Any member that is connected, but not `except`. Of two drawn by chance the one that owes fewer answers: who is frozen
   * soon owes many. Null: there is none.
   */
  someUp(random: Random, except: NodeLink | null): NodeLink | null {
    const one = this.#drawUp(random, except);
    const other = this.#drawUp(random, except);
    return one !== null && other !== null && other.pending.size < one.pending.size ? other : one;
  }

  #drawUp(random: Random, except: NodeLink | null): NodeLink | null {
    const { links } = this;
    const start = random.u32() % Math.max(1, links.length);
    for (let step = 0; step < links.length; step += 1) {
      const link = links[(start + step) % links.length] as NodeLink;
      if (link.up && link !== except) return link;
    }
    return null;
  }

  /** `by` said that it is not primary of `partition`, but `member` is; NO_MEMBER: it knows of none. */
  moved(partition: number, by: NodeLink, member: number): void {
    if (this.linkOf(partition) !== by) return; // that is known already, or something newer
    const link = this.#places[member] ?? null;
    const isNews = link !== null && link !== by && member !== this.#primaries[partition];
    this.#hints[partition] = isNews ? member : NO_MEMBER;
    if (!isNews) return;
    this.#hinted = true;
    link.open();
  }

  /** Partitions whose primary is `link`. */
  ownedBy(link: NodeLink, among: readonly number[]): number[] {
    return among.filter((partition) => this.linkOf(partition) === link);
  }
}
