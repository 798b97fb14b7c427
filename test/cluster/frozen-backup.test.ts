// A member that neither answers nor goes away: SIGSTOP.
import test from 'ava';
import { KeyvalError } from '../../src/errors.ts';
import { servingCluster } from '../helpers/process-cluster.ts';

const PORT = 26_100;
const FROZEN = 1;

function codeOf(error: unknown): string {
  return error instanceof KeyvalError ? error.code : String(error);
}

test.serial('R5, R7: while one backup is frozen nothing is acknowledged; afterwards everything is', async (t) => {
  const cluster = await servingCluster(t, PORT);
  const kv = await cluster.client({ timeoutMs: 1500 });
  t.teardown(() => kv.close());
  const keys = Array.from({ length: 120 }, (_, i) => `key:${i}`);
  await Promise.all(keys.map((key) => kv.put(key, 'before')));

  cluster.signal(FROZEN, 'SIGSTOP');
  const outcomes = await Promise.all(
    keys.map((key, i) => {
      if (i % 3 === 0) return kv.put(key, 'during').then(() => 'ok', codeOf);
      if (i % 3 === 1) return kv.cas(`new:${i}`, 0n, 'during').then(() => 'ok', codeOf);
      return kv.lock(`lock:${i}`).then(() => 'ok', codeOf);
    }),
  );
  t.deepEqual(
    outcomes.filter((outcome) => outcome === 'ok'),
    [],
    'a write was acknowledged by two of three',
  );
  const refusals = new Set(outcomes);
  for (const code of refusals) t.true(['KV_AMBIGUOUS', 'KV_NO_QUORUM', 'KV_DEADLINE'].includes(code), code);
  t.true(refusals.has('KV_AMBIGUOUS'), 'what was appended before the silence was noticed is unknown');

  const pending = Promise.all(keys.map((key) => kv.put(key, 'after', { timeoutMs: 20_000 })));
  cluster.signal(FROZEN, 'SIGCONT');
  await pending;
  for (const key of keys) t.is(await kv.get(key), 'after');
  const lock = await kv.lock('lock:afterwards');
  await lock.release({ confirm: true });
});

test.serial('R7: what is refused before it is appended says whom it waits for', async (t) => {
  const cluster = await servingCluster(t, PORT + 1);
  const kv = await cluster.client({ timeoutMs: 10_000 });
  t.teardown(() => kv.close());
  await kv.put('key', 'value');
  cluster.signal(FROZEN, 'SIGSTOP');
  // Its own primaries do not answer at all; those of the other two refuse once the silence is noticed.
  const status = async (): Promise<string[]> => {
    const { nodes } = await kv.status({ timeoutMs: 500 });
    return nodes.flatMap((node) => (node.state === 'up' && node.obstacle !== null ? [node.obstacle] : []));
  };
  let obstacles = await status();
  while (obstacles.length < 2) obstacles = await status();
  for (const obstacle of obstacles) t.regex(obstacle, /replica 127\.0\.0\.2:\d+: silent for \d+ ms/);
  cluster.signal(FROZEN, 'SIGCONT');
  await kv.put('key', 'again');
  t.is(await kv.get('key'), 'again');
});
