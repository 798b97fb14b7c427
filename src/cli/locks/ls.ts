/** `keyval locks ls`: the locks that are held, over all nodes. */
import type { LockInfo, LockList } from '../../client/lock-admin.ts';
import { ExitCode } from '../../errors.ts';
import { LOCKS_LISTED_MAX } from '../../protocol/lock-facts.ts';
import type { Action } from '../cluster/action.ts';
import { printResults } from '../shared/output.ts';
import { note } from '../shared/streams.ts';
import { shortened, table } from '../shared/table.ts';
import {
  holderName,
  keyText,
  leaseText,
  lockDocument,
  missingDocument,
  missingLines,
  shownText,
  timeText,
} from './text.ts';

export const lsAction: Action = {
  name: 'ls',
  synopsis: 'ls [--prefix P] [--limit N]',
  summary:
    'the locks that are held, those that most wait for first, then those held longest; exit code 1 when some nodes or partitions do not answer',
  options: ['prefix', 'limit'],
  takesOperand: false,
  check(values) {
    values.whole('limit', 1, LOCKS_LISTED_MAX);
  },
  async run({ client, values, format }) {
    const prefix = values.text('prefix');
    const limit = values.whole('limit', 1, LOCKS_LISTED_MAX);
    const found = await client.admin().locks({
      ...(prefix === undefined ? {} : { prefix }),
      ...(limit === undefined ? {} : { limit }),
    });
    const lines = found.locks.map(lockDocument);
    await printResults(format, {
      document: { locks: lines, ...missingDocument(found) },
      lines,
      text: lsText(found.locks),
    });
    const missing = missingLines(found);
    for (const line of [...cutLines(found), ...missing]) note(line);
    return missing.length === 0 ? ExitCode.ok : ExitCode.error;
  },
};

const HEADINGS = ['KEY', 'MODE', 'HOLDER', 'TOKEN', 'HELD', 'LEASE LEFT', 'WAITERS', 'LABEL'];

export function lsText(locks: readonly LockInfo[]): string {
  const rows = locks.flatMap(rowsOf);
  return rows.length === 0 ? 'no lock is held' : table([HEADINGS, ...rows]);
}

export function cutLines({ locks, matching }: LockList): string[] {
  return matching > locks.length ? [`${locks.length} of ${matching} locks; --limit shows more`] : [];
}

function rowsOf(lock: LockInfo): string[][] {
  const { holders, holderCount, waiterCount } = lock;
  const key = shortened(keyText(lock));
  const rows = holders.map((holder) => [
    key,
    holder.mode,
    holderName(holder),
    `${holder.token}`,
    timeText(holder.heldMs),
    leaseText(holder),
    `${waiterCount}`,
    shownText(holder.label),
  ]);
  const more = holderCount - holders.length;
  return more > 0 ? [...rows, [key, '-', `and ${more} more`, '-', '-', '-', `${waiterCount}`, '-']] : rows;
}
