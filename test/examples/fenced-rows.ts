// fenced-rows.ts
import type { Client, Fence } from '../../src/index.ts';

/** One connection of `pg`: a Client, or what `pool.connect()` gives. */
export interface Connection {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: Record<string, unknown>[] }>;
}

export class LateWriteError extends Error {}

export const tables: readonly string[] = [
  'CREATE TABLE invoice (id text PRIMARY KEY, state text NOT NULL, fence numeric(20) NOT NULL DEFAULT 0)',
  'CREATE TABLE fence (lock text PRIMARY KEY, token numeric(20) NOT NULL)',
];

/** One row: it carries the token of whoever wrote it last. No row comes back: a later holder was there, or there is no such row. */
export async function setState(db: Connection, { token }: Fence, id: string, state: string): Promise<void> {
  const { rows } = await db.query(
    'UPDATE invoice SET state = $2, fence = $3 WHERE id = $1 AND fence <= $3 RETURNING id',
    [id, state, String(token)],
  );
  if (rows.length === 0) throw new LateWriteError(`invoice ${id} is not to be written under token ${token}`);
}

/** Whatever the lock guards: the transaction begins by claiming the row of the lock, which nobody else can until its end. */
export async function fenced<T>(db: Connection, { key, token }: Fence, work: () => Promise<T>): Promise<T> {
  await db.query('BEGIN');
  try {
    const { rows } = await db.query(
      `INSERT INTO fence AS seen (lock, token) VALUES ($1, $2)
       ON CONFLICT (lock) DO UPDATE SET token = excluded.token WHERE seen.token <= excluded.token RETURNING token`,
      [key, String(token)],
    );
    if (rows.length === 0) throw new LateWriteError(`a later holder of ${key} than ${token} was here`);
    const result = await work();
    await db.query('COMMIT');
    return result;
  } catch (error) {
    await db.query('ROLLBACK').catch(() => undefined); // a broken connection has been rolled back
    throw error;
  }
}

/** Reads, decides and writes: all of it behind the claim. */
export async function payOpenInvoices(kv: Client, db: Connection): Promise<number> {
  return kv.withLock('invoices', (lock) =>
    fenced(db, lock, async () => {
      const { rows } = await db.query("SELECT id FROM invoice WHERE state = 'open'");
      for (const { id } of rows) {
        lock.signal.throwIfAborted(); // spares work that would be refused
        await db.query("UPDATE invoice SET state = 'paid' WHERE id = $1", [id]);
      }
      return rows.length;
    }),
  );
}
