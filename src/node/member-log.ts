/** What has become of the members, told in the log: the causes of all changes of roles. */
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
