/**
 * The short form of `npm run hostile`: attacks on a cluster of processes with an honest client beside them. Nothing crashes
 * or hangs, everybody is answered or refused as is written, and the honest client finds all as it left it. No times.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { attacks } from '../../tools/hostile/all-attacks.ts';
import { type AttackContext, patience, Tally } from '../../tools/hostile/attack.ts';
import { HonestClient } from '../../tools/hostile/honest.ts';
import { Victim } from '../../tools/hostile/victim.ts';

const PORT = 27_000;
const SECRET = 'secret of the test';
const SEED = Math.floor(Math.random() * 2 ** 32);

// These try what no other test does, and are over in a moment.
const inShort = [
  'random-before-login',
  'random-after-login',
  'bit-flips',
  'cut-fin',
  'cut-reset',
  'half-closed',
  'resets',
  'never-read-gets',
  'never-read-batches',
  'burst-',
  'held-connections',
  'connect-churn',
  'staged-unnamed',
  'many-sessions',
  'tiny-packets',
  'unauthenticated',
  'wrong-secrets',
  'oversized-hello',
  'false-peers',
  'peer-frames',
  'guessed-attachments',
];

patience.hangMs = 30_000;
patience.lateMs = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'keyval-hostile-'));
const secretFile = join(folder, 'secret');
writeFileSync(secretFile, SECRET);
const nodes = [1, 2, 3].map((host) => `127.0.0.${host}:${PORT}`);
const guarded = `127.0.0.1:${PORT + 1}`;
const args = ['--secret-file', secretFile];
const [victim, lone] = await Promise.all([
  Victim.start({ addresses: nodes, logFolder: join(folder, 'nodes') }),
  Victim.start({ addresses: [guarded], args, logFolder: join(folder, 'guarded') }),
]);
const honest = await HonestClient.start(nodes, { perSecond: 100, timeoutMs: 30_000, seed: SEED });

test.after.always(async () => {
  await honest.stop();
  await Promise.all([victim.stop(), lone.stop()]);
  rmSync(folder, { recursive: true });
});

function contextOf(name: string, tally: Tally): AttackContext {
  return {
    nodes,
    guarded,
    secret: Buffer.from(SECRET),
    seconds: 0.2,
    connections: 100,
    requests: 2000,
    share: 0.1,
    port: PORT + 2,
    // Sessions are drawn from it: those of one attack are not those of another.
    random: new Prng(SEED).fork(name),
    tally,
  };
}

for (const attack of attacks.filter(({ name }) => inShort.some((prefix) => name.startsWith(prefix)))) {
  test.serial(`${attack.name}: ${attack.does}`, async (t) => {
    const tally = new Tally();
    await attack.run(contextOf(attack.name, tally));
    t.log(`seed ${SEED}: ${tally.attempts} tried`);
    t.true(tally.attempts > 0);
    t.deepEqual(tally.findings.texts, []);
    t.is(tally.hangs, 0);
    t.deepEqual([...victim.crashes, ...lone.crashes], []);
    t.deepEqual([...victim.complaints, ...lone.complaints], []);
    const { errors, violations } = honest.report();
    t.deepEqual({ errors, violations }, { errors: {}, violations: [] });
  });
}

test.serial('afterwards the honest client finds everything as it left it', async (t) => {
  t.deepEqual(await honest.verify(), []);
  t.deepEqual(honest.report().errors, {});
});
