/**
 * The book after a command: pure, so that every node comes to the same one from the same Raft log. It is the gate of the
 * rules: whatever a commander or a primary proposes, a change that could lose what is committed is refused here.
 *
 * A command on a partition names the version its proposer has seen. If that is not the present one, nothing changes. If
 * it is, the version moves on even when the change is refused: so a proposal has ended, one way or the other, as soon as
 * the partition's version has passed the one it named (R1, R17).
 */
import type { Book, BookPartition } from './book.ts';
import { BookDraft } from './book-draft.ts';
import type { Command, HealthCommand, JoinCommand, LeaveCommand } from './commands.ts';
import { changeHealth, join, leave } from './membership-changes.ts';
import { changePartition, type PartitionCommand } from './partition-changes.ts';
import { settle } from './settle.ts';

export interface Applied {
  /** The very book that was given, if nothing has changed. */
  readonly book: Book;
  /** Why the command was refused; null: it was done, or there was nothing left to do. */
  readonly refused: string | null;
}

export function applyCommand(book: Book, command: Command): Applied {
  switch (command.kind) {
    case 'join':
    case 'down':
    case 'up':
    case 'leaving':
    case 'remove':
      return applyToMember(book, command);
    default:
      return applyToPartition(book, command);
  }
}

function applyToMember(book: Book, command: JoinCommand | HealthCommand | LeaveCommand): Applied {
  const draft = new BookDraft(book);
  const refused = changeMember(draft, command);
  return { book: refused === null ? draft.finish() : book, refused };
}

function changeMember(draft: BookDraft, command: JoinCommand | HealthCommand | LeaveCommand): string | null {
  switch (command.kind) {
    case 'join':
      return join(draft, command);
    case 'down':
    case 'up':
      return changeHealth(draft, command);
    default:
      return leave(draft, command);
  }
}

function applyToPartition(book: Book, command: PartitionCommand): Applied {
  const partition = book.partitions[command.partition];
  if (partition === undefined) return { book, refused: `there is no partition ${command.partition}` };
  if (partition.version !== command.version) return { book, refused: `the version is ${partition.version} by now` };
  const changed = changePartition(book, partition, command);
  const refused = typeof changed === 'string' ? changed : null;
  const next = typeof changed === 'string' ? partition : settle(changed, book);
  return { book: withPartition(book, command.partition, next), refused };
}

function withPartition(book: Book, at: number, partition: BookPartition): Book {
  const version = book.version + 1;
  const partitions = book.partitions.with(at, { ...partition, version });
  return { ...book, version, partitions };
}
