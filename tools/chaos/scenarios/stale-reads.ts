/**
 * A primary is paused until another has taken over, and is asked for keys before, while and after it sleeps, by
 * connections that go nowhere else. It may refuse or send on; it must not answer from the past.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../../src/base/prng.ts';
import { addReads, CountingWrites, DirectReader, type ReadCounts, type ReadMode, readModes } from '../direct-reads.ts';
import type { ChaosNode } from '../nodes.ts';
import type { Outcome } from '../report.ts';
import { PARTITIONS, type Scene } from '../scene.ts';
import { count, tableText, whole } from '../table.ts';
import { partitionOfKey } from '../watched-requests.ts';
import { partitionsOf } from '../who-is-who.ts';
import { type Course, withScene } from './course.ts';

const KEYS = 40;
const BEFORE_MS = 500;
const AFTER_MS = 1000;
/** Longer than what counts as death, and than the lease. */
const PAUSE_MS = { min: 1200, max: 5000 } as const;
const WHOLE_MS_MAX = 45_000;

interface Round {
  readonly counts: Record<ReadMode, ReadCounts>;
  /** Partitions of the keys that were led by another node when it woke. */
  readonly taken: number;
  readonly obstacle: string | null;
}

export async function runStaleReads(course: Course): Promise<Outcome> {
  const { options, say, stop } = course;
  const random = new Prng(options.seed).fork('stale reads');
  const { rounds, complaints } = await withScene(course, async (scene) => {
    const writes = new CountingWrites(
      scene.client,
      Array.from({ length: KEYS }, (_, index) => `chaos:stale:${index}`),
    );
    writes.start();
    await delay(BEFORE_MS);
    const done: Round[] = [];
    while (done.length < options.pauses && !stop.aborted && (done.at(-1)?.obstacle ?? null) === null) {
      done.push(await oneRound(scene, writes, random));
      say(`pause ${done.length} of ${options.pauses}: ${whole(done.at(-1)?.taken ?? 0)} partitions taken over`);
    }
    await writes.stop();
    return { rounds: done, complaints: scene.complaints() };
  });
  return outcomeOf(rounds, options.pauses, complaints);
}

async function oneRound(scene: Scene, writes: CountingWrites, random: Prng): Promise<Round> {
  const before = await scene.whoIsWho();
  const leadingKeys = (node: ChaosNode): string[] => {
    const led = new Set(partitionsOf(before, node.name));
    return writes.keys.filter((key) => led.has(partitionOfKey(key, PARTITIONS)));
  };
  const candidates = scene.nodes.up.filter((node) => leadingKeys(node).length > 0);
  const node = candidates[random.below(candidates.length)] as ChaosNode;
  const keys = leadingKeys(node);
  const readers = await Promise.all(
    [true, false].map((routes) => DirectReader.open(node.hosts.listen, writes, keys, routes)),
  );
  await delay(BEFORE_MS);
  const { awake } = await node.pause(PAUSE_MS.min + random.float() * (PAUSE_MS.max - PAUSE_MS.min));
  for (const reader of readers) reader.isPaused = true;
  await awake;
  for (const reader of readers) reader.isPaused = false;
  const after = await scene.whoIsWho();
  await delay(AFTER_MS);
  const counts = { strict: nothing(), lease: nothing() };
  for (const reader of readers) {
    for (const mode of readModes) addReads(counts[mode], reader.counts[mode]);
    reader.close();
  }
  const led = new Set(keys.map((key) => partitionOfKey(key, PARTITIONS)));
  const taken = [...led].filter((partition) => after.primaries[partition] !== node.name).length;
  return { counts, taken, obstacle: await scene.untilWhole(WHOLE_MS_MAX) };
}

function nothing(): ReadCounts {
  return { sent: 0, current: 0, acrossPause: 0, stale: [], others: {} };
}

function outcomeOf(rounds: readonly Round[], planned: number, complaints: readonly string[]): Outcome {
  const sums = { strict: nothing(), lease: nothing() };
  for (const { counts } of rounds) for (const mode of readModes) addReads(sums[mode], counts[mode]);
  const taken = rounds.reduce((sum, round) => sum + round.taken, 0);
  const heads = ['reads', 'sent', 'current', 'of these sent into the pause', 'from the past', 'other answers'];
  const rows = readModes.map((mode) => {
    const { sent, current, acrossPause, stale, others } = sums[mode];
    const list = Object.entries(others).map(([code, times]) => `${whole(times)} ${code}`);
    return [mode, whole(sent), whole(current), whole(acrossPause), whole(stale.length), list.join(', ') || 'none'];
  });
  const failures = [
    ...readModes.flatMap((mode) => sums[mode].stale),
    ...rounds.flatMap(({ obstacle }) => (obstacle === null ? [] : [`not whole in time after a pause: ${obstacle}`])),
    ...(rounds.length < planned ? [`only ${rounds.length} of ${planned} pauses`] : []),
    ...(taken === 0 ? ['no partition was taken over: nothing was tried'] : []),
    ...complaints.map((line) => `log of ${line}`),
  ];
  const text = `${tableText(heads, rows)}\n${count(rounds.length, 'pause')}; ${count(taken, 'partition')} had been taken over when the node woke`;
  return { title: 'reads from a primary that slept', text, failures };
}
