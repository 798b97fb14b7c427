/** Measures the paths of one group; a process of its own, so that no group changes what the engine knows of another. */
import { answerParent } from './child.ts';
import { type PathGroup, pathsOf } from './paths/groups.ts';
import { measurePath, type PathFigure } from './paths/path.ts';

export interface PathsRequest {
  readonly group: PathGroup;
  readonly keys: number;
  /** For each path. */
  readonly seconds: number;
}

answerParent(async ({ group, keys, seconds }: PathsRequest): Promise<PathFigure[]> => {
  const figures: PathFigure[] = [];
  for (const path of pathsOf(group, { keys })) figures.push(await measurePath(path, seconds));
  return figures;
});
