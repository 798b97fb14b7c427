/** Which node is primary of a key's partition, as the newest table says. */
import { hashSlot, partitionShift } from '../base/hash-slot.ts';
import type { RoutingTable } from '../protocol/hello-codec.ts';
import type { KeyBuffer } from './key-buffer.ts';
import type { NodeLink } from './node-link.ts';

export class Router {
  /** By member of the table. */
  links: NodeLink[] = [];
  #table: RoutingTable | null = null;
  #shift = 0;
  #primaries: Uint16Array = new Uint16Array(0);

  get known(): boolean {
    return this.#table !== null;
  }

  get partitions(): number {
    return this.#table === null ? 0 : this.#table.partitions;
  }

  get members(): readonly string[] {
    return this.#table === null ? [] : this.#table.members;
  }

  /** Takes a table; `linkOf` gives the link of an address. */
  learn(table: RoutingTable, linkOf: (address: string) => NodeLink): void {
    if (
      this.#table !== null &&
      this.#table.version >= table.version &&
      this.#table.members.length === table.members.length
    ) {
      return;
    }
    this.#table = table;
    this.#shift = partitionShift(table.partitions);
    this.#primaries = table.primaries.slice();
    this.links = table.members.map(linkOf);
  }

  partitionOf(key: KeyBuffer): number {
    return hashSlot(key.bytes, 0, key.length) >>> this.#shift;
  }

  linkOf(partition: number): NodeLink {
    return this.links[this.#primaries[partition] as number] as NodeLink;
  }

  /** A node said that `member` is primary of `partition`. */
  moved(partition: number, member: number): void {
    if (member < this.links.length) this.#primaries[partition] = member;
  }

  /** Partitions whose primary is `link`. */
  ownedBy(link: NodeLink, among: readonly number[]): number[] {
    return among.filter((partition) => this.linkOf(partition) === link);
  }
}
