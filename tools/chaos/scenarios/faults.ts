/** The main scenario: faults of all kinds, one after the other, under load with a history that is judged afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../../src/base/prng.ts';
import { type Fault, planFaults } from '../faults.ts';
import { type Incident, Injector } from '../injector.ts';
import { judgeHistories } from '../judging.ts';
import type { ChaosOptions } from '../options.ts';
import { type Say, startProgress } from '../progress.ts';
import { faultsOutcome, type Outcome } from '../report.ts';
import type { Scene } from '../scene.ts';
import { milliseconds } from '../table.ts';
import { type Course, withScene } from './course.ts';

/** The sessions are there and the engines have compiled what they run. */
const WARM_UP_MS = 3000;
const NOTHING_ELSE_MS = 20;
/** Faults that take longer than planned stretch the run up to this much of its time. */
const STRETCH = 2;

export async function runFaults(course: Course): Promise<Outcome> {
  const { options, say } = course;
  const plan = planFaults(options, new Prng(options.seed).fork('plan'));
  const { incidents, end, complaints } = await withScene(course, async (scene) => {
    scene.load.begin();
    await delay(WARM_UP_MS);
    const injected: Incident[] = [];
    {
      using _progress = startProgress(scene, say, () => `${injected.length} of ${plan.length} faults`);
      await injectAll(scene, plan, course, injected);
    }
    say('reading all keys');
    return { incidents: injected, end: await scene.endLoad(), complaints: scene.complaints() };
  });
  say(`judging ${end.histories.length} histories`);
  const judgements = await judgeHistories(end.histories);
  return faultsOutcome({ planned: plan.length, incidents, end, judgements, complaints });
}

/** Brings all faults about, spread over the time there is; what came of them is added to `incidents`. */
export async function injectAll(
  scene: Scene,
  plan: readonly Fault[],
  course: Course,
  incidents: Incident[],
): Promise<void> {
  const { options, say, stop } = course;
  const injector = new Injector(scene, new Prng(options.seed).fork('targets'));
  const startMs = performance.now();
  const passedMs = (): number => performance.now() - startMs;
  const endMs = options.seconds * 1000;
  for (const [index, fault] of plan.entries()) {
    // Spread over the time there is; one that comes late comes at once.
    await rest((index * endMs) / plan.length - passedMs(), stop);
    if (stop.aborted || passedMs() > endMs * STRETCH) break;
    const incident = await Promise.race([injector.bring(fault), scene.load.broken]);
    incidents.push(incident);
    tell(incident, options, say);
    // What is lost with a second node, while the first is not back, is lost by right.
    if (incident.obstacle !== null) return;
  }
  await rest(endMs - passedMs(), stop);
}

/** Sleeps; a stop wakes it. */
export async function rest(ms: number, stop: AbortSignal): Promise<void> {
  if (ms > NOTHING_ELSE_MS) await delay(ms, undefined, { signal: stop }).catch(() => undefined);
}

function tell(incident: Incident, { verbose }: ChaosOptions, say: Say): void {
  const { kind, node, primaryOf, hitCommander, forgot, failoversMs, obstacle } = incident;
  if (!verbose && obstacle === null) return;
  const failover = failoversMs.length === 0 ? '' : `, failover ${milliseconds(Math.max(...failoversMs))} ms`;
  const role = `primary of ${primaryOf}${hitCommander ? ', commander' : ''}${forgot ? ', forgets' : ''}`;
  say(
    `${kind} at ${node} (${role})${failover}${gapText(incident)}${obstacle === null ? '' : `; NOT WHOLE: ${obstacle}`}`,
  );
}

/** Of a load that is running. */
function gapText({ longestGapMs, longestGapAt, unknown }: Incident): string {
  if (longestGapMs === 0) return '';
  const until = `of partition ${longestGapAt.partition} until ${milliseconds(longestGapAt.endMs)} ms`;
  return `, longest gap ${milliseconds(longestGapMs)} ms ${until}, ${unknown} unknown`;
}
