/**
 * The process of a holder that its parent stops between its last look at the lock and its write. The database lies in the
 * parent: what `query` is asked goes there.
 */
import { readSync, writeSync } from 'node:fs';
import { connect, type Lock } from '../../../src/index.ts';
import { type Connection, fenced, setState } from '../fenced-rows.ts';
import { asHolder } from '../fenced-service.ts';
import type { Answer, FromHolder, HolderTask } from './paused.ts';

const STDIN = 0;
const STDOUT = 1;

const { address, key, leaseMs, write, url } = JSON.parse(process.argv[2] as string) as HolderTask;

const writes: Readonly<Record<HolderTask['write'], (lock: Lock) => Promise<unknown>>> = {
  row: (lock) => setState(parentsDatabase, lock, '7', 'late'),
  guard: (lock) => fenced(parentsDatabase, lock, () => parentsDatabase.query("UPDATE invoice SET state = 'late'")),
  request: ({ token }) => asHolder(url, { token, signal: new AbortController().signal }, 'late'),
  requestWithSignal: (lock) => asHolder(url, lock, 'late'),
};

const parentsDatabase: Connection = {
  async query(text, values = []) {
    await tell({ query: text, values });
    const answer = await new Promise<Answer>((resolve) => process.once('message', resolve));
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  },
};

function tell(message: FromHolder): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

process.on('disconnect', () => process.exit());
const kv = await connect(address, { leaseMs });
const lock = await kv.lock(key);
lock.assertHeld();
writeSync(STDOUT, `${lock.token}\n`);
readSync(STDIN, Buffer.alloc(1)); // here it stands still, and is stopped meanwhile
const outcome = await writes[write](lock).then(
  () => 'done',
  (error: Error) => error.constructor.name,
);
await tell({ outcome, held: lock.held, another: (await kv.tryLock(key)) === null });
await kv.close();
process.disconnect();
