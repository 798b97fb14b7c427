/** What has become of members and of partitions that were lost, told in the log: the causes of all changes of roles. */
import type { Log } from '../base/ports.ts';
import type { Book, BookMember } from '../cluster/book.ts';

export function logMembers(log: Log, book: Book, before: Book | null): void {
  if (before === null || book.members === before.members) return;
  const slots = Math.max(book.members.length, before.members.length);
  for (let slot = 0; slot < slots; slot += 1) {
    const now = book.members[slot] ?? null;
    const then = before.members[slot] ?? null;
    const event = now === then ? null : eventOf(now, then);
    const one = now ?? then;
    if (event === null || one === null) continue;
    const { address, incarnation } = one;
    log.write(event === 'member down' ? 'warn' : 'info', event, { address, slot, incarnation, book: book.version });
  }
}

function eventOf(now: BookMember | null, then: BookMember | null): string | null {
  if (now === null) return 'member removed';
  if (then === null || then.id !== now.id) return 'member joined';
  if (then.incarnation !== now.incarnation) return 'member restarted';
  return then.health === now.health ? null : `member ${now.health}`;
}

/** Partitions shown in a line of the log. */
const SHOWN_MAX = 16;

/** R9: never silently. */
export function logLost(log: Log, book: Book, before: Book | null): void {
  if (before === null || book.partitions === before.partitions) return;
  const lost: number[] = [];
  const begun: number[] = [];
  book.partitions.forEach((entry, partition) => {
    const then = before.partitions[partition];
    if (entry === then || then === undefined) return;
    if (entry.lost !== null && then.lost === null) lost.push(partition);
    if (entry.lost === null && then.lost !== null) begun.push(partition);
  });
  if (lost.length > 0) {
    const keepers = book.partitions[lost[0] as number]?.lost?.keepers ?? [];
    log.write('error', 'partitions lost', { count: lost.length, partitions: shown(lost), keepers, book: book.version });
  }
  if (begun.length > 0) {
    const fields = { count: begun.length, partitions: shown(begun), book: book.version };
    log.write('warn', 'lost partitions begin anew, empty', fields);
  }
}

function shown(partitions: readonly number[]): string {
  const text = partitions.slice(0, SHOWN_MAX).join(' ');
  return partitions.length > SHOWN_MAX ? `${text} …` : text;
}
