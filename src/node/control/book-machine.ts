/** The state machine that Raft replicates: the book, changed by commands. What this folder needs of cluster/. */
import type { Book } from '../../cluster/book.ts';
import { decodeBook, decodeCommand, encodeBook, encodeCommand } from '../../cluster/book-codec.ts';
import { foundBook } from '../../cluster/founding-book.ts';
import { applyCommand } from '../../cluster/reducer.ts';
import type { FoundingSet } from '../../protocol/control-codec.ts';

export { applyCommand, decodeBook, decodeCommand, encodeBook, encodeCommand };

/** The first book of a cluster: every founder makes the same one of the set it has promised. */
export function firstBook({ clusterId, foundedAtSeconds, settings, founders }: FoundingSet): Book {
  const members = founders.map(({ nodeId: id, incarnation, address, zone, role }) => {
    return { id, incarnation, address, zone, role };
  });
  return foundBook({ clusterId, foundedAtSeconds, ...settings, members });
}
