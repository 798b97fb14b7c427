/** The README's example for PostgreSQL, against PostgreSQL itself (compiled to WebAssembly) and real locks. */
import { PGlite } from '@electric-sql/pglite';
import test from 'ava';
import { type Client, type RunningNode, startNode } from '../../src/index.ts';
import { fenced, LateWriteError, payOpenInvoices, setState, tables } from './fenced-rows.ts';
import { PausedHolder } from './support/paused.ts';

const LEASE_MS = 600;
const LARGEST_TOKEN = 2n ** 64n - 1n;
const late = { instanceOf: LateWriteError };

let node: RunningNode;
let kv: Client;
let db: PGlite;

test.before('a node and a database', async () => {
  [node, db] = await Promise.all([startNode({ port: 0, logLevel: 'silent' }), PGlite.create()]);
  await node.ready();
  kv = await node.client();
  for (const table of tables) await db.query(table);
});

test.beforeEach(async () => {
  await db.exec("DELETE FROM fence; DELETE FROM invoice; INSERT INTO invoice VALUES ('7', 'open'), ('8', 'open')");
});

test.after.always('stop them', async () => {
  await kv.close();
  await node.close();
  await db.close();
});

async function states(): Promise<string[]> {
  const { rows } = await db.query<{ state: string }>('SELECT state FROM invoice ORDER BY id');
  return rows.map(({ state }) => state);
}

for (const write of ['row', 'guard'] as const) {
  test.serial(`a holder that was paused writes late and is refused: ${write}`, async (t) => {
    const task = { address: node.address, key: 'invoices', leaseMs: LEASE_MS, write, url: '' };
    const former = await PausedHolder.of(t, task, db);
    await using lock = await kv.lock('invoices'); // in line behind the one that sleeps, until its lease is over
    t.true(lock.token > former.token);
    if (write === 'row') await setState(db, lock, '7', 'paid');
    else await fenced(db, lock, () => db.query("UPDATE invoice SET state = 'paid'"));
    t.deepEqual(await former.goOn(), { outcome: 'LateWriteError', held: false, another: true });
    t.true(lock.held);
    t.deepEqual(await states(), write === 'row' ? ['paid', 'open'] : ['paid', 'paid']);
  });
}

test.serial('a holder writes as often as it likes, and its successors, too', async (t) => {
  for (const state of ['sent', 'paid'])
    await kv.withLock('invoices', async (lock) => {
      await setState(db, lock, '7', 'checked');
      await setState(db, lock, '7', state);
    });
  t.deepEqual(await states(), ['paid', 'open']);
});

test.serial('who has only claimed shuts out those before', async (t) => {
  const claimed = { key: 'invoices', token: 9n };
  await fenced(db, claimed, () => db.query('SELECT state FROM invoice'));
  await t.throwsAsync(
    fenced(db, { ...claimed, token: 8n }, () => db.query("UPDATE invoice SET state = 'late'")),
    late,
  );
  t.deepEqual(await states(), ['open', 'open']);
});

test.serial('a claim goes with its transaction', async (t) => {
  const fail = (): Promise<never> => Promise.reject(new RangeError('of the work'));
  await t.throwsAsync(fenced(db, { key: 'invoices', token: 9n }, fail), { instanceOf: RangeError });
  t.is(await fenced(db, { key: 'invoices', token: 8n }, async () => 'done'), 'done');
});

test.serial('the whole: lock, claim, read, write', async (t) => {
  t.is(await payOpenInvoices(kv, db), 2);
  t.deepEqual(await states(), ['paid', 'paid']);
  t.is(await payOpenInvoices(kv, db), 0);
});

test.serial('all 64 bits of a token count, where bigint has 63', async (t) => {
  await setState(db, { key: 'invoices', token: 2n ** 63n }, '7', 'half way');
  await setState(db, { key: 'invoices', token: LARGEST_TOKEN }, '7', 'last');
  await t.throwsAsync(setState(db, { key: 'invoices', token: LARGEST_TOKEN - 1n }, '7', 'late'), late);
  t.is(await fenced(db, { key: 'invoices', token: LARGEST_TOKEN }, async () => 'done'), 'done');
  await t.throwsAsync(
    fenced(db, { key: 'invoices', token: 2n ** 63n }, async () => 'done'),
    late,
  );
  const { rows } = await db.query<{ token: string }>('SELECT token FROM fence');
  t.is(BigInt(rows[0]?.token ?? 0), LARGEST_TOKEN);
  t.deepEqual(await states(), ['last', 'open']);
  await t.throwsAsync(db.query('SELECT $1::bigint', [String(2n ** 63n)]), { message: /out of range/ });
});
