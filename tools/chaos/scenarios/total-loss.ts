/**
 * All nodes are killed at once and started again with their state directories, once for each --on-loss: the cluster is the
 * same one and not founded anew, tokens grow, lost partitions do what they were told to, and the log says what was lost.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, KeyvalError, Lock } from '../../../src/index.ts';
import { connectFrom, LEASE_MS } from '../client.ts';
import { cutOffHolder } from '../cut-off-holder.ts';
import { insist } from '../insist.ts';
import { hasOption } from '../nodes.ts';
import type { Outcome } from '../report.ts';
import type { Scene } from '../scene.ts';
import { tableText } from '../table.ts';
import { type Course, withScene } from './course.ts';

const NODES = 3;
const KEYS = 100;
/** Leases of the lost life may last that long: the new one waits for their end before it grants a lock. */
const MAX_LEASE = `${LEASE_MS}ms`;
/** The wait for nodes that may still serve (R9), that for leases, and time to start. */
const BACK_MS_MAX = 120_000;
const LOOK_MS = 500;
const STOPPED_MS = 5000;
const LOCK = 'chaos:lock';
const HELD_LOCK = 'chaos:held';

type Policy = 'empty' | 'stop';

interface Check {
  readonly policy: Policy;
  readonly what: string;
  /** What was found. */
  readonly found: string;
  readonly held: boolean;
}

export async function runTotalLoss(course: Course): Promise<Outcome> {
  const checks: Check[] = [];
  const policies: readonly Policy[] = hasOption('on-loss') ? ['empty', 'stop'] : ['empty'];
  for (const policy of policies) {
    if (course.stop.aborted) break;
    const choices = { nodes: NODES, isNew: false, nodeArgs: argsOf(policy) };
    const folder = join(course.folder, policy);
    checks.push(...(await withScene({ ...course, folder }, (scene) => tryPolicy(scene, policy, course), choices)));
  }
  const rows = checks.map(({ policy, what, found, held }) => [`${policy}: ${what}`, held ? 'yes' : 'NO', found]);
  const failures = checks
    .filter(({ held }) => !held)
    .map(({ policy, what, found }) => `${policy}: not so: ${what}: ${found}`);
  return {
    title: `all ${NODES} nodes killed at once`,
    text: tableText(['--on-loss', 'held', 'found'], rows),
    failures,
  };
}

function argsOf(policy: Policy): string[] {
  if (!hasOption('on-loss')) return [];
  return ['--on-loss', policy, '--max-lease', MAX_LEASE];
}

interface Before {
  readonly identity: string | null;
  readonly token: bigint;
  readonly revision: bigint;
}

async function tryPolicy(scene: Scene, policy: Policy, { say }: Course): Promise<Check[]> {
  const before = await prepare(scene);
  await using holder = await cutOffHolder(scene, HELD_LOCK);
  say(`${policy}: killing all nodes`);
  await Promise.all(scene.nodes.all.map((node) => node.kill()));
  await Promise.all(scene.nodes.all.map((node) => node.start()));
  const endpoints = scene.hosts.nodes.map(({ address }) => address);
  const client = await connectFrom(scene.hosts.tool, endpoints, 'chaos after');
  try {
    const found = policy === 'empty' ? await checkEmpty(client, before, holder.lock) : await checkStopped(client);
    const { identity } = await scene.whoIsWho();
    const lost = scene.nodes.all.flatMap((node) => node.logged(/partition.*\blost\b|\blost\b.*partition/i));
    const common = [
      {
        what: 'the founding was not repeated',
        found: `${before.identity} → ${identity}`,
        held: identity !== null && identity === before.identity,
      },
      { what: 'the log says what was lost', found: lost[0]?.slice(0, 120) ?? 'no line', held: lost.length > 0 },
      { what: 'no bug in the log', found: scene.complaints()[0] ?? 'none', held: scene.complaints().length === 0 },
    ];
    return [...found, ...common].map((check) => ({ policy, ...check }));
  } finally {
    await client.close();
  }
}

async function prepare(scene: Scene): Promise<Before> {
  const { client } = scene;
  await Promise.all(keys().map((key) => client.put(key, 'before')));
  const lock = await client.lock(LOCK, { waitMs: BACK_MS_MAX });
  const { token } = lock;
  await lock.release({ confirm: true });
  const revision = await client.put(keys()[0] as string, 'before, again');
  return { identity: (await scene.whoIsWho()).identity, token, revision };
}

type Found = Omit<Check, 'policy'>;

/** Partitions begin anew, empty. */
async function checkEmpty(client: Client, before: Before, held: Lock): Promise<Found[]> {
  const startMs = performance.now();
  const revision = await insistBack(() => client.put(keys()[0] as string, 'after'));
  const servedMs = performance.now() - startMs;
  const token = await insistBack(async () => {
    const lock = await client.lock(LOCK);
    await lock.release({ confirm: true });
    return lock.token;
  });
  const next = await insistBack(() => client.lock(held.key, { waitMs: BACK_MS_MAX }));
  const grantedMs = performance.now() - startMs;
  const holderKnew = held.signal.aborted;
  // Where one key is served, the others are: they need not be waited for as long, one after the other.
  const results = await Promise.allSettled(keys().map((key) => client.get(key)));
  const read = results.filter((result) => result.status === 'fulfilled');
  const kept = read.filter(({ value }) => value?.startsWith('before')).length;
  return [
    { what: 'it serves again', found: `after ${(servedMs / 1000).toFixed(1)} s`, held: revision !== null },
    {
      what: 'revisions grow',
      found: `${before.revision} → ${revision}`,
      held: revision !== null && revision > before.revision,
    },
    { what: 'tokens grow', found: `${before.token} → ${token}`, held: token !== null && token > before.token },
    {
      what: 'a lock is not granted while its former holder may believe in it',
      found: `granted after ${(grantedMs / 1000).toFixed(1)} s, the lease was ${holderKnew ? 'over' : 'NOT over'}`,
      held: next !== null && holderKnew,
    },
    {
      what: 'it begins empty',
      found: `${read.length} keys read, ${kept} came back`,
      held: kept === 0 && read.length === KEYS,
    },
  ];
}

/** Partitions wait for an operator: nothing is served, and nothing pretends to be. */
async function checkStopped(client: Client): Promise<Found[]> {
  const untilMs = performance.now() + STOPPED_MS;
  const codes = new Set<string>();
  let answered = 0;
  while (performance.now() < untilMs) {
    const results = await Promise.allSettled(keys().map((key) => client.get(key, { timeoutMs: STOPPED_MS })));
    for (const result of results) {
      if (result.status === 'fulfilled') answered += 1;
      else codes.add((result.reason as KeyvalError).code);
    }
    await delay(LOOK_MS);
  }
  return [{ what: 'nothing is served', found: `${answered} answers, ${[...codes].join(', ')}`, held: answered === 0 }];
}

function keys(): string[] {
  return Array.from({ length: KEYS }, (_, index) => `chaos:key:${index}`);
}

/** As `insist`, for as long as the cluster may take to come back. */
function insistBack<T>(send: () => Promise<T>): Promise<T | null> {
  return insist(send, performance.now() + BACK_MS_MAX, LOOK_MS);
}
