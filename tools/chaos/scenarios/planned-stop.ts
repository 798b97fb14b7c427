/** SIGTERM to each node in turn, under load: a node that leaves hands over first, so that clients see no error. */
import { setTimeout as delay } from 'node:timers/promises';
import { addLosses } from '../bookkeeping.ts';
import { DEADLINE_MS } from '../client.ts';
import { judgeHistories } from '../judging.ts';
import type { ChaosNode } from '../nodes.ts';
import { startProgress } from '../progress.ts';
import { judgementFailures, lossFailures, type Outcome, requestLines } from '../report.ts';
import type { Scene } from '../scene.ts';
import { type Spread, spreadOf } from '../spread.ts';
import { milliseconds, tableText, whole } from '../table.ts';
import { partitionsOf } from '../who-is-who.ts';
import { type Course, withScene } from './course.ts';

const WARM_UP_MS = 3000;
/** What was sent before the stop is answered by then, or has failed. */
const SETTLE_MS: number = DEADLINE_MS + 500;
const WHOLE_MS_MAX = 60_000;
const NS_PER_MS = 1e6;

interface Stop {
  readonly node: string;
  readonly wasCommander: boolean;
  readonly primaryOf: number;
  /** Of each partition that it was primary of: the longest time without an answer. */
  readonly gapsMs: Spread;
  readonly tookMs: number;
  readonly exitCode: number | null;
  /** Requests that failed, from the signal until the node was back and all was whole. */
  readonly errors: number;
  readonly obstacle: string | null;
}

export async function runPlannedStop(course: Course): Promise<Outcome> {
  const { stop, say } = course;
  const { stops, end, complaints } = await withScene(course, async (scene) => {
    const done: Stop[] = [];
    using _progress = startProgress(scene, say, () => `${done.length} of ${scene.nodes.all.length} stops`);
    scene.load.begin();
    await delay(WARM_UP_MS);
    for (const node of scene.nodes.all) {
      if (stop.aborted || done.some(({ obstacle }) => obstacle !== null)) break;
      done.push(await Promise.race([stopAndStart(scene, node), scene.load.broken]));
    }
    return { stops: done, end: await scene.endLoad(), complaints: scene.complaints() };
  });
  say(`judging ${end.histories.length} histories`);
  const judgements = await judgeHistories(end.histories);
  const failures = [
    ...stops.flatMap(failuresOf),
    ...lossFailures(addLosses(end.losses)),
    ...judgementFailures(judgements),
    ...complaints.map((line) => `log of ${line}`),
  ];
  const title = `planned stop of each node, deadline of the clients ${DEADLINE_MS / 1000} s`;
  return { title, text: `${stopTable(stops)}\n\n${requestLines(end)}`, failures };
}

async function stopAndStart(scene: Scene, node: ChaosNode): Promise<Stop> {
  const { load } = scene;
  const before = await scene.whoIsWho();
  const used = new Set(load.sightings.seen);
  const led = partitionsOf(before, node.name).filter((partition) => used.has(partition));
  const { refused, unknown } = load.sightings.totals;
  load.sightings.mark(load.nowNs());
  const startMs = performance.now();
  const { code } = await node.signal('SIGTERM');
  const tookMs = performance.now() - startMs;
  await delay(SETTLE_MS);
  const now = load.nowNs();
  const gapsMs = spreadOf(led.map((partition) => load.sightings.longestGapNs(partition, now) / NS_PER_MS));
  await node.start();
  const obstacle = (await node.untilReady()) ?? (await scene.untilWhole(WHOLE_MS_MAX));
  const after = load.sightings.totals;
  return {
    node: node.name,
    wasCommander: before.commander === node.name,
    primaryOf: led.length,
    gapsMs,
    tookMs,
    exitCode: code,
    errors: after.refused + after.unknown - refused - unknown,
    obstacle,
  };
}

function failuresOf({ node, errors, exitCode, obstacle }: Stop): string[] {
  return [
    ...(errors > 0 ? [`${node}: ${whole(errors)} requests failed around its stop`] : []),
    ...(exitCode === 0 ? [] : [`${node}: ended with ${exitCode ?? 'a signal'} instead of 0`]),
    ...(obstacle === null ? [] : [`${node}: not whole in time after its stop: ${obstacle}`]),
  ];
}

function stopTable(stops: readonly Stop[]): string {
  const heads = ['stopped', 'primary of', 'commander', 'took ms', 'gap p50 ms', 'p99 ms', 'max ms', 'errors'];
  const rows = stops.map(({ node, wasCommander, primaryOf, gapsMs, tookMs, errors }) => [
    node,
    whole(primaryOf),
    wasCommander ? 'yes' : 'no',
    milliseconds(tookMs),
    milliseconds(gapsMs.p50),
    milliseconds(gapsMs.p99),
    milliseconds(gapsMs.max),
    whole(errors),
  ]);
  return `${tableText(heads, rows)}\ngap: longest time without an answer, each partition that the node was primary of`;
}
