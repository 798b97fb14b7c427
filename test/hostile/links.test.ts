/** Links between nodes that duplicate, swap and replay frames: what was confirmed is there, and all heals. */
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { patience, Tally } from '../../tools/hostile/attack.ts';
import { tamperWith } from '../../tools/hostile/attacks/links.ts';

const PORT = 27_010;
const SEED = Math.floor(Math.random() * 2 ** 32);

test('links that are tampered with', async (t) => {
  t.timeout(60_000);
  patience.hangMs = 30_000;
  const tally = new Tally();
  const random = new Prng(SEED);
  const counts = { seconds: 0.6, connections: 0, requests: 0, share: 1 };
  await tamperWith({ ...counts, nodes: [], guarded: '', secret: Buffer.alloc(0), port: PORT, random, tally }, [
    'duplicate',
    'swap',
    'replay',
    'cross',
  ]);
  t.log(`seed ${SEED}`, ...tally.findings.notes);
  t.true(tally.attempts > 0);
  t.deepEqual(tally.findings.texts, []);
});
