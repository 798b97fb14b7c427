/**
 * Frames of the links between three nodes duplicated, dropped, swapped, delayed, replayed and played to the wrong link. The
 * partitions may refuse writes meanwhile; what was confirmed must be there, and afterwards all goes on as before.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Attack, type AttackContext, pause } from '../attack.ts';
import { HonestClient, type HonestReport } from '../honest.ts';
import { LinkProxy, type Tampering, tampering } from '../link-proxy.ts';
import { Victim } from '../victim.ts';

const PER_SECOND = 200;
const TIMEOUT_MS = 2000;
/** How long a cluster may take to serve again when nobody tampers any more. */
const HEAL_MS = 20_000;
/** What a client may be told while links are tampered with. */
const inOrder = [
  'KV_NO_QUORUM',
  'KV_AMBIGUOUS',
  'KV_DEADLINE',
  'KV_OVERLOADED',
  'KV_LOCK_LOST',
  'KV_LOCK_BUSY',
  'KV_NO_SESSION',
];

export const tamperedLinks: Attack = {
  name: 'tampered-links',
  does: 'frames between nodes duplicated, dropped, swapped, delayed, replayed, played to the wrong link',
  timed: false,
  run: (context) => tamperWith(context, tampering),
};

/** One cluster, and one way of tampering after the other. */
export async function tamperWith(context: AttackContext, modes: readonly Tampering[]): Promise<void> {
  const { port, random } = context;
  const hosts = [11, 12, 13].map((host) => `127.0.0.${host}`);
  const addresses = hosts.map((host) => `${host}:${port}`);
  const listen = hosts.map((host) => `${host}:${port + 1}`);
  const logFolder = await mkdtemp(join(tmpdir(), 'keyval-hostile-'));
  const recorded: Buffer[] = [];
  const proxies = await Promise.all(
    addresses.map((address, index) => LinkProxy.start(address, listen[index] as string, random, recorded)),
  );
  const victim = await Victim.start({ addresses, listen, logFolder });
  const settings = { perSecond: PER_SECOND, timeoutMs: TIMEOUT_MS, seed: random.u32() };
  const honest = await HonestClient.start(addresses, settings);
  try {
    for (const mode of modes) await oneMode(context, { proxies, victim, honest }, mode);
  } finally {
    await honest.stop();
    await victim.stop();
    for (const proxy of proxies) proxy.stop();
    await rm(logFolder, { recursive: true });
  }
}

interface Scene {
  readonly proxies: readonly LinkProxy[];
  readonly victim: Victim;
  readonly honest: HonestClient;
}

async function oneMode({ tally, seconds }: AttackContext, scene: Scene, mode: Tampering): Promise<void> {
  const { proxies, victim, honest } = scene;
  honest.report();
  for (const proxy of proxies) proxy.mode = mode;
  await pause(seconds * 500);
  for (const proxy of proxies) proxy.mode = null;
  const during = honest.report();
  const healedMs = await untilHealed(scene);
  tally.attempts += proxies.reduce((sum, proxy) => sum + proxy.tampered, 0);
  for (const proxy of proxies) proxy.tampered = 0;
  tally.answered += during.operations;
  judge(scene, mode, during, tally);
  if (healedMs === null) tally.hung(`${mode}: not serving ${HEAL_MS} ms after the end: ${victim.logTail()}`);
  const errors = Object.entries(during.errors).map(([code, count]) => `${count} ${code}`);
  tally.note(`${mode}: ${during.operations} operations, ${errors.join(', ') || 'no error'}; healed in ${healedMs} ms`);
}

function judge({ victim }: Scene, mode: Tampering, during: HonestReport, tally: AttackContext['tally']): void {
  for (const violation of during.violations) tally.failed(`${mode}: ${violation}`);
  for (const [code, count] of Object.entries(during.errors)) {
    if (inOrder.includes(code)) tally.refused += count;
    else tally.failed(`${mode}: a client was told ${code}`);
  }
  for (const crash of victim.crashes) tally.failed(`${mode}: ${crash} has ended\n${victim.logTail()}`);
  for (const complaint of victim.complaints) tally.failed(`${mode}: ${complaint}`);
}

/** Milliseconds until everything that was written can be read, and is right, without an error; null: it never was. */
async function untilHealed({ honest }: Scene): Promise<number | null> {
  const startMs = performance.now();
  while (performance.now() - startMs < HEAL_MS) {
    await pause(250);
    const violations = await honest.verify();
    const { errors, operations } = honest.report();
    if (violations.length > 0) throw new Error(`after healing: ${violations.join('; ')}`);
    if (Object.keys(errors).length === 0 && operations > 0) return Math.round(performance.now() - startMs);
  }
  return null;
}

export const links: readonly Attack[] = [tamperedLinks];
