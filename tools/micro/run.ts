/** The course of a micro bench: the paths in rounds, then each subject at each size; every piece in a process of its own. */
import { type Spread, spreadOf } from '../bench/ratio.ts';
import { askChild } from './child.ts';
import type { Absent, MemoryFigures, MemoryRequest } from './memory/figures.ts';
import { settlingArgs } from './memory/gc-watch.ts';
import { MIX_PER_PATH, type MicroOptions } from './options.ts';
import type { PathFigure } from './paths/path.ts';
import type { PathsRequest } from './paths-child.ts';

const pathsChild = new URL('./paths-child.ts', import.meta.url);
const memoryChild = new URL('./memory-child.ts', import.meta.url);
/** A Map of millions of Buffers needs more than the engine takes by itself on a small machine. */
const memoryArgs = [...settlingArgs, '--max-old-space-size=8192'];

export interface PathResult {
  readonly name: string;
  /** Nanoseconds of an operation: medians of the rounds. */
  readonly nanos: Spread;
}

export interface MicroReport {
  readonly paths: readonly PathResult[];
  readonly memory: readonly (MemoryFigures | Absent)[];
}

export async function run(options: MicroOptions, onProgress: (what: string) => void): Promise<MicroReport> {
  return { paths: await measurePaths(options, onProgress), memory: await measureMemory(options, onProgress) };
}

async function measurePaths(options: MicroOptions, onProgress: (what: string) => void): Promise<PathResult[]> {
  const { groups, keys, seconds, rounds } = options;
  const nanos = new Map<string, number[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const group of groups) {
      onProgress(`${group}, round ${round} of ${rounds}`);
      const request: PathsRequest = { group, keys, seconds };
      for (const figure of await askChild<PathFigure[]>(pathsChild, request)) {
        nanos.set(figure.name, [...(nanos.get(figure.name) ?? []), figure.nanos]);
      }
    }
  }
  return [...nanos].map(([name, values]) => ({ name, nanos: spreadOf(values) }));
}

async function measureMemory(
  options: MicroOptions,
  onProgress: (what: string) => void,
): Promise<(MemoryFigures | Absent)[]> {
  const all: (MemoryFigures | Absent)[] = [];
  for (const keys of options.sizes) {
    for (const subject of options.subjects) {
      onProgress(`${subject}, ${keys} keys`);
      const request: MemoryRequest = { subject, keys, seconds: options.seconds * MIX_PER_PATH };
      all.push(await askChild(memoryChild, request, { execArgv: memoryArgs }));
    }
  }
  return all;
}
