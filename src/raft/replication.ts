/**
 * What the leader sends to one follower: as many appends as may be in flight, or a snapshot where the log no longer reaches
 * back (Raft §5.3, §7). Entries of one turn leave together, since this runs once per turn.
 */

import type { Core } from './core.ts';
import type { Progress } from './progress.ts';
import { UNKNOWN_TERM } from './raft-log.ts';

/** Sends everything that is new to the follower and may be sent now; an empty append where only the commit index is. */
export function replicate(core: Core, progress: Progress): void {
  const { log } = core;
  const isTold = (): boolean => progress.commitTold >= log.committed;
  while (!progress.isPaused && (progress.next <= log.lastIndex || !isTold() || progress.state === 'probe')) {
    sendNext(core, progress);
  }
}

/** Sends the next piece of the log; an empty one tells whether it would follow on. */
export function sendNext(core: Core, progress: Progress): void {
  const { id, term, log, settings } = core;
  const previousIndex = progress.next - 1;
  const previousTerm = log.termAt(previousIndex);
  if (previousTerm === UNKNOWN_TERM) return sendSnapshot(core, progress);
  const entries = log.from(progress.next, settings.messageBytesMax);
  const commit = log.committed;
  core.send({ type: 'append', from: id, to: progress.id, term, previousIndex, previousTerm, entries, commit });
  progress.commitTold = commit;
  progress.sent(entries);
}

function sendSnapshot(core: Core, progress: Progress): void {
  const { id, term, snapshot } = core;
  core.send({ type: 'snapshot', from: id, to: progress.id, term, snapshot });
  progress.sentSnapshot(snapshot.index, core.nowMs);
}
