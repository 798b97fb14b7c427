/** The seeds of a campaign shared among processes: each takes every so many-th, and tells a line per seed. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Counters, type CountersData } from '../../src/testing/counters.ts';
import type { Options } from './options.ts';

/** What a process tells about a seed. */
export interface SeedLine {
  readonly seed: number;
  readonly rule: string | null;
  readonly cpuSeconds: number;
  readonly counters: CountersData;
}

export interface Shared {
  readonly counters: Counters;
  /** Seeds that failed, the smallest first. */
  readonly failed: readonly number[];
  readonly cpuSeconds: number;
}

const PROGRAM: string = fileURLToPath(new URL('simulate.ts', import.meta.url));

/** @param onSeed told after each seed, whichever process ran it */
export async function runShared(options: Options, onSeed: (line: SeedLine) => void): Promise<Shared> {
  const counters = new Counters();
  const failed: number[] = [];
  let cpuSeconds = 0;
  const jobs = Math.min(options.jobs, options.seeds);
  const children = Array.from({ length: jobs }, (_, job) => startJob(options, job, jobs));
  const stop = (): void => {
    for (const child of children) child.kill();
  };
  await Promise.all(
    children.map(async (child) => {
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      for await (const text of createInterface({ input: child.stdout })) {
        const line = JSON.parse(text) as SeedLine;
        counters.add(line.counters);
        cpuSeconds += line.cpuSeconds;
        if (line.rule !== null) failed.push(line.seed);
        onSeed(line);
        if (line.rule !== null && !options.keepGoing) stop();
      }
      const code = await ended;
      if (code !== 0 && code !== 1 && failed.length === 0) throw new Error(`a process ended with ${code}`);
    }),
  );
  return { counters, failed: failed.sort((a, b) => a - b), cpuSeconds };
}

function startJob(options: Options, job: number, jobs: number): ReturnType<typeof spawnJob> {
  const seeds = Math.ceil((options.seeds - job) / jobs);
  const numbers = { seed: options.seed + job, seeds, stride: jobs, seconds: options.seconds };
  const args = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  if (options.nodes !== undefined) args.push('--nodes', String(options.nodes));
  args.push('--load', options.load);
  if (options.once) args.push('--once');
  if (options.keepGoing) args.push('--keep-going');
  return spawnJob([...args, '--lines']);
}

function spawnJob(
  args: readonly string[],
): import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, null> {
  return spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}
