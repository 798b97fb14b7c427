// R13 in real life: the primary is frozen, and what the others hold can still be read, with its age.
import test from 'ava';
import type { Client, Entry } from '../../src/index.ts';
import { servingCluster } from '../helpers/process-cluster.ts';

const PORT = 28_350;

/** The first stale read that is answered with such an entry. */
async function staleUntil(
  kv: Client,
  key: string,
  isWanted: (entry: Entry<string>) => boolean,
): Promise<Entry<string>> {
  for (;;) {
    const entry = await kv.getEntry(key, { reads: 'stale' });
    if (entry !== null && isWanted(entry)) return entry;
  }
}

test.serial('R13: while its primary is frozen a key can be read stale, with an age that grows', async (t) => {
  const cluster = await servingCluster(t, PORT);
  const kv = await cluster.client({ timeoutMs: 20_000 });
  t.teardown(() => kv.close());
  const keys = Array.from({ length: 30 }, (_, index) => `key:${index}`);
  const revisions = await Promise.all(keys.map((key) => kv.put(key, 'value')));
  // From each of the three: what is committed is known to all of them soon, and how old it is at most.
  const known = (await kv.getEntry(keys[0] as string)) as Entry<string>;
  t.is(known.staleMs, null);
  for (const key of keys) {
    for (let time = 0; time < 5; time += 1) {
      const { staleMs, value } = await staleUntil(kv, key, (entry) => entry.staleMs !== Number.POSITIVE_INFINITY);
      t.is(value, 'value');
      t.true(staleMs !== null && staleMs >= 0);
    }
  }
  const frozen = 1;
  cluster.signal(frozen, 'SIGSTOP');
  const entries = await Promise.all(keys.map((key) => kv.getEntry(key, { reads: 'stale' })));
  for (const [index, entry] of entries.entries()) {
    t.like(entry, { value: 'value', revision: revisions[index], ttlMs: null });
    t.true(entry?.staleMs !== null);
  }
  // Two of three frozen: nobody can take over, and the third answers what it has; it gets older.
  cluster.signal(0, 'SIGSTOP');
  const alone = await staleUntil(kv, keys[0] as string, ({ staleMs }) => (staleMs ?? 0) > 700);
  t.is(alone.value, 'value');
  await Promise.all(
    keys.map((key) => kv.getEntry(key, { reads: 'stale' }).then((entry) => t.is(entry?.value, 'value'))),
  );
  cluster.signal(0, 'SIGCONT');
  cluster.signal(frozen, 'SIGCONT');
  await kv.put(keys[0] as string, 'after');
  t.is((await staleUntil(kv, keys[0] as string, ({ value }) => value === 'after')).value, 'after');
});
