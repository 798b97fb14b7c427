/** Tries whether something notices what is wrong with the source in a scratch directory: seeds in a process, or a test file. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Scratch } from './scratch.ts';

/** A line that seeds.ts prints. */
export interface SeedEvent {
  readonly seed: number;
  readonly noticed: string | null;
}

export interface Attempt {
  /** What noticed: a rule, an assertion, a test. Null: nothing did. */
  readonly noticed: string | null;
  /** The seed that noticed; 0 where there are none. */
  readonly seed: number;
}

export interface SeedRange {
  readonly first: number;
  readonly count: number;
  /** Virtual seconds of each. */
  readonly seconds: number;
}

const AVA = 'node_modules/ava/entrypoints/cli.js';
/** A seed, or a test file, that takes longer turns in a circle. */
const SILENT_MS_MAX = 180_000;

/** Of source that does not even load everything would seem to notice. */
const DOES_NOT_LOAD = /ERR_MODULE_NOT_FOUND|ERR_INVALID_TYPESCRIPT_SYNTAX|SyntaxError/;

export async function trySeeds(scratch: Scratch, way: string, { first, count, seconds }: SeedRange): Promise<Attempt> {
  const program = join(scratch.directory, 'tools/mutants/seeds.ts');
  const args = [program, way, first, count, seconds].map(String);
  const { output, errors, code, isStuck } = await run(scratch, ['--no-warnings', ...args]);
  const events = output
    .split('\n')
    .filter((line) => line.startsWith('{"seed"'))
    .map((line) => JSON.parse(line) as SeedEvent);
  const last = events.at(-1);
  if (last === undefined) throw new Error(`no seed was run: ${errors || output}`);
  if (last.noticed !== null) return last;
  if (isStuck) return { seed: last.seed, noticed: 'it does not end' };
  if (code === 0) return { seed: last.seed, noticed: null };
  if (DOES_NOT_LOAD.test(errors)) throw new Error(`the changed source does not load: ${errors}`);
  return { seed: last.seed, noticed: `the process ended: ${firstError(errors)}` };
}

export async function tryTest(scratch: Scratch, file: string): Promise<Attempt> {
  const { output, errors, code, isStuck } = await run(scratch, [AVA, file]);
  if (code === 0) return { seed: 0, noticed: null };
  if (isStuck) return { seed: 0, noticed: 'it does not end' };
  if (DOES_NOT_LOAD.test(output + errors)) throw new Error(`the changed source does not load: ${output}${errors}`);
  const failed = /✘ \[fail\]: (.*)/.exec(output)?.[1];
  return { seed: 0, noticed: failed ?? firstError(output + errors) };
}

function firstError(text: string): string {
  return text.split('\n').find((line) => line.includes('Error')) ?? 'without a word';
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  /** It said nothing for too long, and was killed. */
  readonly isStuck: boolean;
}

function run({ directory }: Scratch, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    child.kill('SIGKILL');
  }, SILENT_MS_MAX);
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    timer.refresh();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, errors, isStuck });
    });
  });
}
