/** Worker threads: what they give back, which memory moves, and what becomes of tasks whose thread dies. */
import test, { type ExecutionContext } from 'ava';
import { parseRows } from '../../src/bulk/ndjson-rows.ts';
import { runTask, type TaskKind, WORKER_BYTES_MIN } from '../../src/bulk/tasks.ts';
import { KeyvalError } from '../../src/errors.ts';
import { ThreadPool, type WorkerPoolOptions } from '../../src/io/worker-pool.ts';
import { Ending } from '../helpers/failing-worker.ts';

const failing = new URL('../helpers/failing-worker.ts', import.meta.url).href;
const broken = new URL('../helpers/broken-worker.ts', import.meta.url).href;

interface TestedPool {
  readonly pool: ThreadPool;
  readonly failures: string[];
}

function pooled(t: ExecutionContext, options: Partial<WorkerPoolOptions> = {}): TestedPool {
  const failures: string[] = [];
  const pool = new ThreadPool({ threadsMax: 1, onFailure: (message) => failures.push(message), ...options });
  t.teardown(() => pool.close());
  return { pool, failures };
}

/** Large enough for a thread; for a failing worker the first byte says how it ends. */
function input(kind: TaskKind, first = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(WORKER_BYTES_MIN[kind]);
  bytes[0] = first;
  return bytes;
}

const text = new TextEncoder().encode(`{"key":"k","value":"${'v'.repeat(100)}","ttlMs":5}\nwrong\n`.repeat(5000));

test('a thread does what the caller would have done', async (t) => {
  const { pool } = pooled(t);
  const expected = parseRows(text);
  t.deepEqual(await pool.run('parseRows', text.slice()), expected);
  t.deepEqual(await pool.run('encodeRows', expected.rows.slice()), runTask('encodeRows', expected.rows));
  t.deepEqual(await pool.run('sha256', text.slice()), runTask('sha256', text));
  t.deepEqual(await pool.run('rowsDigest', expected.rows.slice()), runTask('rowsDigest', expected.rows));
  t.like(pool.stats, { threads: 1, threadsMax: 1, tasks: 4, failed: 0, inline: 0, queued: 0, refused: 0 });
  t.true(pool.stats.runMs.max > 0 && pool.stats.queueMs.max > 0);
});

test('the input moves to the thread: no copy of it stays', async (t) => {
  const { pool } = pooled(t);
  const given = text.slice();
  const running = pool.run('parseRows', given);
  await running;
  t.is(given.length, 0);
});

test('small tasks, and all without threads, are done at once', async (t) => {
  const small = pooled(t).pool;
  const none = pooled(t, { threadsMax: 0 }).pool;
  t.is((await small.run('sha256', new Uint8Array(10))).length, 32);
  t.is((await none.run('sha256', input('sha256'))).length, 32);
  t.false(none.takes('sha256', 1_000_000));
  for (const { stats } of [small, none]) t.like(stats, { threads: 0, tasks: 0, inline: 1 });
});

const failure = { instanceOf: KeyvalError, code: 'KV_INTERNAL' } as const;

for (const [ending, what] of [
  [Ending.exit, 'exits'],
  [Ending.memory, 'is out of memory'],
  [Ending.error, 'throws'],
] as const) {
  test(`a thread ${what}: its task fails, those behind it go on`, async (t) => {
    const { pool, failures } = pooled(t, { filename: failing });
    const first = pool.run('sha256', input('sha256'));
    const bad = t.throwsAsync(pool.run('sha256', input('sha256', ending)), failure);
    const behind = [pool.run('sha256', input('sha256')), pool.run('sha256', input('sha256'))];
    t.is((await first).length, 32);
    t.is((await bad)?.outcome, 'not-done');
    for (const digest of await Promise.all(behind)) t.is(digest.length, 32);
    t.is(failures.length, 1);
    t.like(pool.stats, { tasks: 4, failed: 1, queued: 0 });
  });
}

test('threads that do not start: tasks fail and none hangs', async (t) => {
  const { pool, failures } = pooled(t, { filename: broken, threadsMax: 2 });
  const tasks = [1, 2, 3].map(() => t.throwsAsync(pool.run('sha256', input('sha256')), failure));
  await Promise.all(tasks);
  t.true(failures.length > 0);
});

test('a queue that is full refuses', async (t) => {
  const { pool } = pooled(t, { filename: failing });
  const all = Array.from({ length: 70 }, () => pool.run('sha256', input('sha256')));
  const ended = await Promise.allSettled(all);
  const refused = ended.filter((one) => one.status === 'rejected');
  t.is(refused.length, 5); // one runs, 64 wait
  for (const { reason } of refused) t.is((reason as KeyvalError).code, 'KV_OVERLOADED');
  t.like(pool.stats, { tasks: 65, refused: 5 });
});

test('close ends what runs and what waits', async (t) => {
  const { pool } = pooled(t, { filename: failing });
  await pool.run('sha256', input('sha256'));
  const stuck = [Ending.wait, Ending.answer].map((first) =>
    t.throwsAsync(pool.run('sha256', input('sha256', first)), { instanceOf: KeyvalError, code: 'KV_STOPPING' }),
  );
  await pool.close();
  await Promise.all(stuck);
  await t.throwsAsync(pool.run('sha256', input('sha256')), { code: 'KV_STOPPING' });
  t.is(pool.stats.threads, 0);
});
