/** The work of exports and digests by a pool: small inputs at once, large ones in a thread. */
import { runTask } from '../bulk/tasks.ts';
import type { WorkerPool } from '../bulk/worker-pool.ts';
import type { BulkWork } from './bulk-work.ts';

export function poolWork(workers: WorkerPool): BulkWork {
  return {
    encodeRows(rows) {
      if (workers.takes('encodeRows', rows.length)) return workers.run('encodeRows', rows);
      workers.countInline();
      return runTask('encodeRows', rows);
    },
    sha256(bytes) {
      // The thread gets a copy: the caller keeps its bytes.
      if (workers.takes('sha256', bytes.length)) return workers.run('sha256', new Uint8Array(bytes));
      workers.countInline();
      return runTask('sha256', bytes);
    },
  };
}
