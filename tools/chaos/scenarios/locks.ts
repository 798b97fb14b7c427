/**
 * Programs hold and want a few hot locks while they are killed, stopped and cut off, and the nodes are, too. Their journals
 * are judged as one history; counters and fenced writes are witnesses that need no clock.
 */

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../../src/base/prng.ts';
import { linesOfFile } from '../../../src/testing/checkers/history/history-file.ts';
import { readHistory } from '../../../src/testing/checkers/history/history-reader.ts';
import { clockFrom } from '../../loadgen/clock.ts';
import { planFaults } from '../faults.ts';
import type { Incident } from '../injector.ts';
import { insist } from '../insist.ts';
import { judgeHistories } from '../judging.ts';
import { lockFigures } from '../locks/figures.ts';
import { grantsIn } from '../locks/grants.ts';
import { type Harmed, Harmer, planHarms } from '../locks/harms.ts';
import { hotKey, sumIn } from '../locks/hot-keys.ts';
import { harmNotes, mergeJournals, notesIn } from '../locks/merge.ts';
import { Programs } from '../locks/programs.ts';
import { locksOutcome } from '../locks/report.ts';
import { letThrough, miscounted, sectionsIn, tokensBack } from '../locks/witness.ts';
import type { Outcome } from '../report.ts';
import type { Scene } from '../scene.ts';
import { type Course, withScene } from './course.ts';
import { injectAll } from './faults.ts';

const WARM_UP_MS = 2000;
/** Loops per hot key: there is always somebody in line. */
const LOOPS_PER_KEY = 6;
const HOT_KEYS_MIN = 2;
/** Whoever stands in line at the end is granted its lock before. */
const END_MS_MAX = 60_000;
const READ_MS_MAX = 60_000;
const READ_AGAIN_MS = 100;

/** What was read when all programs had ended; null: it could not be. */
interface Last {
  readonly sums: ReadonlyMap<string, number | null>;
  readonly tokens: ReadonlyMap<number, bigint | null>;
}

interface Played {
  readonly incidents: readonly Incident[];
  readonly harmed: readonly Harmed[];
  readonly journals: readonly string[];
  readonly last: Last;
  readonly complaints: readonly string[];
}

export async function runLocks(course: Course): Promise<Outcome> {
  const { options, folder, say } = course;
  const { seed, lockClients, lockLoops } = options;
  const plan = planFaults(options, new Prng(seed).fork('plan'));
  const played = await withScene(course, (scene) => play(scene, plan, course), { programs: lockClients });
  const history = options.history === null ? join(folder, 'locks.ndjson') : `${options.history}-locks`;
  mergeJournals(played.journals, history, { seed });
  const harms = harmNotes(played.harmed).map((note) => `${JSON.stringify(note)}\n`);
  appendFileSync(history, harms.join(''));
  say('judging the history');
  const judgements = await judgeHistories([history]);
  const { operations } = readHistory(linesOfFile(history), history);
  const grants = grantsIn(operations);
  const sections = sectionsIn(operations);
  return locksOutcome({
    ...played,
    planned: plan.length,
    figures: lockFigures({ operations, grants, harmed: played.harmed, loops: lockClients * lockLoops }),
    notes: notesIn(linesOfFile(history)),
    judgements,
    letThrough: letThrough(operations, grants),
    miscounted: miscounted(sections, played.last.sums),
    tokensBack: tokensBack(grants, played.last.tokens),
    sections: {
      acknowledged: sections.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      unknown: sections.reduce((sum, { unknown }) => sum + unknown, 0),
    },
  });
}

async function play(scene: Scene, plan: ReturnType<typeof planFaults>, course: Course): Promise<Played> {
  const { options, folder, say, stop } = course;
  const { seed, seconds, lockClients, lockLoops: loops } = options;
  const hotKeys = Math.max(HOT_KEYS_MIN, Math.ceil((lockClients * loops) / LOOPS_PER_KEY));
  const originNs = process.hrtime.bigint();
  say(`starting ${lockClients} programs of ${loops} loops each, ${hotKeys} locks`);
  await using programs = await Programs.start({
    endpoints: scene.hosts.nodes.map(({ address }) => address),
    hosts: scene.programHosts,
    folder: join(folder, 'programs'),
    loops,
    hotKeys,
    seed,
    originNs: `${originNs}`,
  });
  await delay(WARM_UP_MS);
  const random = new Prng(seed).fork('harms');
  const harmer = new Harmer(scene, programs.all, clockFrom(originNs), random.fork('targets'));
  const incidents: Incident[] = [];
  const doing = (): void =>
    say(`${harmer.done.length} harms to programs, ${incidents.length} of ${plan.length} faults`);
  const timer = setInterval(doing, 10_000);
  const over = new AbortController();
  const end = AbortSignal.any([stop, over.signal]);
  try {
    await Promise.all([harmer.bringAll(planHarms(seconds, random), end), injectAll(scene, plan, course, incidents)]);
    const stuck = await programs.end(END_MS_MAX);
    const complaints = [
      ...scene.complaints().map((line) => `log of ${line}`),
      ...programs.complaints,
      ...stuck.map((name) => `program ${name} did not end in ${END_MS_MAX / 1000} s`),
    ];
    say('reading all counters');
    return {
      incidents,
      harmed: harmer.done,
      journals: programs.journals,
      last: await readLast(scene, hotKeys),
      complaints,
    };
  } finally {
    over.abort();
    clearInterval(timer);
  }
}

async function readLast({ client }: Scene, hotKeys: number): Promise<Last> {
  const untilMs = performance.now() + READ_MS_MAX;
  const sums = new Map<string, number | null>();
  const tokens = new Map<number, bigint | null>();
  for (let tag = 0; tag < hotKeys; tag += 1) {
    for (const key of [hotKey('lock', tag), hotKey('count', tag)]) {
      sums.set(key, await insist(async () => sumIn(await client.get(key)), untilMs, READ_AGAIN_MS));
    }
    tokens.set(tag, await insist(() => takenAndGivenBack(client, hotKey('lock', tag)), untilMs, READ_AGAIN_MS));
  }
  return { sums, tokens };
}

async function takenAndGivenBack(client: Scene['client'], key: string): Promise<bigint> {
  const lock = await client.lock(key, { waitMs: READ_MS_MAX });
  await lock.release({ confirm: true });
  return lock.token;
}
