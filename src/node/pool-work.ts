/** The work of exports and digests by a pool: small inputs at once, large ones in a thread, very large ones in slices. */
import type { Timers } from '../base/ports.ts';
import { runTask } from '../bulk/tasks.ts';
import type { WorkerPool } from '../bulk/worker-pool.ts';
import type { BulkWork } from './bulk-work.ts';
import { slicedCopy, slicedSha256 } from './slices.ts';

/** More than this is not even copied at once. */
const AT_ONCE_BYTES_MAX: number = 1024 * 1024;

export function poolWork(workers: WorkerPool, timers: Timers): BulkWork {
  return {
    encodeRows(rows) {
      if (workers.takes('encodeRows', rows.length)) return workers.run('encodeRows', rows);
      workers.countInline();
      return runTask('encodeRows', rows);
    },
    sha256(bytes) {
      // The thread gets a copy: the caller keeps its bytes.
      const taken = workers.takes('sha256', bytes.length);
      if (!taken) workers.countInline();
      if (bytes.length > AT_ONCE_BYTES_MAX) {
        if (!taken) return slicedSha256(bytes, timers);
        return slicedCopy(bytes, timers).then((copy) => workers.run('sha256', copy));
      }
      return taken ? workers.run('sha256', new Uint8Array(bytes)) : runTask('sha256', bytes);
    },
  };
}
