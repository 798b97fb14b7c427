/** Who is primary of what, as clients are told (WLCM, TABL). */
import { type Book, NO_MEMBER } from '../cluster/book.ts';
import { routingOf } from '../cluster/electorate.ts';
import type { RoutingTable } from '../protocol/hello-codec.ts';
import type { NodeSettings } from './settings.ts';

/** `self`: own slot. Without a book the members are those that are to found the cluster, and nobody is primary. */
export function tableOf(book: Book | null, self: number, { members, partitions, address }: NodeSettings): RoutingTable {
  if (book === null) {
    const primaries = new Uint16Array(partitions).fill(NO_MEMBER);
    return { version: 0, partitions, self: members.indexOf(address), members, primaries };
  }
  const { version, addresses, primaries } = routingOf(book);
  return { version, partitions: primaries.length, self, members: addresses, primaries };
}
