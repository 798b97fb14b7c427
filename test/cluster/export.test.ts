/** Export, digests and the check of replicas over three nodes. */
import test from 'ava';
import { type Client, type ExportedPage, KeyvalError, type RunningNode } from '../../src/index.ts';
import { LocalCluster } from '../helpers/local-cluster.ts';

let cluster: LocalCluster;
let client: Client<Uint8Array>;

test.before(async () => {
  cluster = await LocalCluster.on(26850, { partitions: 8 });
  client = await (cluster.nodes[0] as RunningNode).client({ codec: 'buffer', timeoutMs: 20_000 });
});

test.after.always(async () => {
  await client.close();
  await cluster.close();
});

interface Row {
  readonly key?: string;
  readonly key64?: string;
  readonly value?: string;
  readonly value64?: string;
  readonly ttlMs?: number;
}

function rowsOf(pages: readonly ExportedPage[]): Row[] {
  const text = Buffer.concat(pages.map((page) => page.text)).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

async function collect(pages: AsyncIterable<ExportedPage>): Promise<ExportedPage[]> {
  const all: ExportedPage[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

test.serial('what was put is exported: text, bytes, times to live, large values', async (t) => {
  const large = Buffer.alloc(5_000_000, 0xfe);
  await client.put('plain', Buffer.from('grüße\n'));
  await client.put(new Uint8Array([0xff, 0]), Buffer.from([0x80]));
  await client.put('short-lived', Buffer.from('x'), { ttlMs: 3_600_000 });
  await client.put('gone', Buffer.from('x'), { ttlMs: 1 });
  await client.put('large', large);
  await client.put('empty', Buffer.alloc(0));
  const pages = await collect(client.export());
  const rows = rowsOf(pages);
  t.is(
    pages.reduce((sum, page) => sum + page.rows, 0),
    rows.length,
  );
  t.is(pages.filter((page) => page.last).length, 8);
  const byKey = new Map(rows.map((row) => [row.key ?? row.key64, row]));
  t.is(byKey.get('plain')?.value, 'grüße\n');
  t.is(byKey.get('/wA=')?.value64, 'gA==');
  t.is(byKey.get('empty')?.value, '');
  const ttlMs = byKey.get('short-lived')?.ttlMs ?? 0;
  t.true(ttlMs > 3_500_000 && ttlMs <= 3_600_000, `${ttlMs}`);
  t.true(large.equals(Buffer.from(byKey.get('large')?.value64 ?? '', 'base64')));
  t.is(byKey.size, rows.length);
  await client.delete('large');
});

test.serial('an export under writes is one committed state', async (t) => {
  // A writer sets step-0 = 1, step-1 = 1, …, then all to 2, and so on: whatever the moment, a later key is never ahead.
  const keys = Array.from({ length: 2000 }, (_, index) => `{ordered}step-${index}`);
  await Promise.all(keys.map((key) => client.put(key, Buffer.from('0'))));
  const stop = new AbortController();
  const write = async (): Promise<void> => {
    for (let round = 1; !stop.signal.aborted; round += 1) {
      // Requests of one connection for one partition take effect in order.
      await Promise.all(keys.map((key) => client.put(key, Buffer.from(`${round}`))));
    }
  };
  const writing = write();
  const partition = (await collect(client.export())).find((page) =>
    Buffer.from(page.text).includes('{ordered}'),
  )?.partition;
  let seen = 0;
  for (let round = 0; round < 5; round += 1) {
    const pages = await collect(client.exportPartition(partition as number, { pageRows: 100 }));
    t.true(pages.length >= 20);
    t.is(new Set(pages.map((page) => page.revision)).size, 1);
    const found = new Map(rowsOf(pages).map((row) => [row.key, Number(row.value)]));
    const values = keys.map((key) => found.get(key) as number);
    const first = values[0] as number;
    t.true(values.every((value) => value === first || value === first - 1));
    const behind = values.indexOf(first - 1);
    t.true(behind < 0 || values.slice(behind).every((value) => value === first - 1));
    seen = Math.max(seen, first);
  }
  t.true(seen > 0);
  stop.abort();
  await writing;
});

test.serial('replicas are compared at one operation, at rest and under writes', async (t) => {
  const compared = async (): Promise<string[]> => {
    const verdicts: string[] = [];
    for await (const { verdict, replicas, reason } of client.check()) {
      verdicts.push(`${verdict} ${replicas.length} ${reason}`);
    }
    return verdicts;
  };
  const all = Array.from({ length: 8 }, () => 'same 3 null');
  t.deepEqual(await compared(), all);
  let stopped = false;
  const write = async (name: string): Promise<void> => {
    for (let at = 0; !stopped; at += 1)
      await client.put(`${name}-${at % 500}`, Buffer.from(`${at}`), { ttlMs: 60_000 });
  };
  const writers = Array.from({ length: 16 }, (_, index) => write(`writer-${index}`));
  t.deepEqual(await compared(), all);
  stopped = true;
  await Promise.all(writers);
});

test.serial('the digest of a value', async (t) => {
  await client.put('small', Buffer.from('hello'));
  const digest = await client.digest('small');
  t.is(digest?.sha256, '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
  t.is(digest?.length, 5);
  t.is(digest?.revision, (await client.getEntry('small'))?.revision);
  t.is(await client.digest('nobody'), null);
  await t.throwsAsync(client.digest(''), { code: 'KV_BAD_KEY' });
});

test.serial('exports are few at a time, and those given up make room', async (t) => {
  const opened = Array.from({ length: 8 }, () => client.exportPartition(0, { pageRows: 1 })[Symbol.asyncIterator]());
  for (let index = 0; index < 20; index += 1) await client.put(`more-${index}`, Buffer.from('x'));
  for (const one of opened) t.false((await one.next()).value.last);
  const error = await t.throwsAsync(collect(client.exportPartition(0, { timeoutMs: 1000 })), {
    instanceOf: KeyvalError,
  });
  // It is asked for again and again, and the last time may go unanswered.
  const told = error.code === 'KV_DEADLINE' ? (error.cause as KeyvalError) : error;
  t.is(told.code, 'KV_OVERLOADED');
  for (const one of opened) await one.return?.();
  t.true((await collect(client.exportPartition(0))).length > 0);
  await t.throwsAsync(collect(client.exportPartition(8)), { code: 'KV_USAGE' });
});
