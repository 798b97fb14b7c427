/** All hot paths by the structure they belong to. */
import { decoderPaths } from './decoder.ts';
import { hashSlotPaths } from './hash-slot.ts';
import { keyTablePaths } from './key-table.ts';
import { lockTablePaths } from './lock-table.ts';
import { mapPaths } from './map.ts';
import type { HotPath, PathOptions } from './path.ts';
import { timerWheelPaths } from './timer-wheel.ts';
import { writerPaths } from './writer.ts';

export type PathGroup = 'decoder' | 'writer' | 'hash-slot' | 'key-table' | 'lock-table' | 'timer-wheel' | 'map';

const makers: Readonly<Record<PathGroup, (options: PathOptions) => HotPath[]>> = {
  decoder: decoderPaths,
  writer: writerPaths,
  'hash-slot': hashSlotPaths,
  'key-table': keyTablePaths,
  'lock-table': lockTablePaths,
  'timer-wheel': timerWheelPaths,
  map: mapPaths,
};

export const pathGroups: readonly PathGroup[] = Object.keys(makers) as PathGroup[];

export function pathsOf(group: PathGroup, options: PathOptions): HotPath[] {
  return makers[group](options);
}
