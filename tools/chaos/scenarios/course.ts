/** What every scenario is given, and the scene that it starts from. */
import { join } from 'node:path';
import type { ChaosOptions } from '../options.ts';
import type { Say } from '../progress.ts';
import { Scene } from '../scene.ts';

export interface Course {
  readonly options: ChaosOptions;
  /** Of this run: logs, state directories, histories. */
  readonly folder: string;
  readonly say: Say;
  /** Ends the run early; what there is so far is reported. */
  readonly stop: AbortSignal;
}

const START_MS_MAX = 60_000;

export interface SceneChoices {
  /** No locks of a former cluster are waited for. */
  readonly isNew?: boolean;
  readonly nodeArgs?: readonly string[];
  /** Another number than the options say. */
  readonly nodes?: number;
  /** Programs of the scenario's own that will call. */
  readonly programs?: number;
}

/** All of the scene ends with `play`, however that ends. */
export async function withScene<T>(
  { options, folder, say }: Course,
  play: (scene: Scene) => Promise<T>,
  { isNew = true, nodeArgs = [], nodes = options.nodes, programs = 0 }: SceneChoices = {},
): Promise<T> {
  say(`starting ${nodes} nodes`);
  const history = options.history ?? join(folder, 'history');
  await using scene = await Scene.start({ ...options, nodes, folder, nodeArgs, isNew, programs, history });
  const obstacle = await scene.untilWhole(START_MS_MAX);
  if (obstacle !== null) throw new Error(`the cluster does not get whole: ${obstacle}`);
  return await play(scene);
}
