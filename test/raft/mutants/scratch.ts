/** A copy of the sources that the seeds run on, with one replacement in it. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const copied = ['src/base', 'src/raft', 'src/errors.ts', 'test/raft/support'];

export interface Outcome {
  readonly isCaught: boolean;
  /** Seeds tried, the one that caught it included. */
  readonly seeds: number;
  readonly how: string;
}

/** The mutated source. @throws Error when the replacement does not apply: the list is out of date */
export function mutated({ name, file, find, replace }: Mutant): string {
  const text = readFileSync(join(root, 'src', file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`mutant "${name}" no longer applies to src/${file}`);
  return text.replace(find, () => replace);
}

export async function tryMutant(mutant: Mutant, seeds: number, forMs: number): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-mutant-'));
  try {
    mkdirSync(join(folder, 'test/raft'), { recursive: true });
    for (const path of copied) cpSync(join(root, path), join(folder, path), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'src', mutant.file), mutated(mutant));
    return await runSeeds(folder, seeds, forMs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runSeeds(folder: string, seeds: number, forMs: number): Promise<Outcome> {
  const script = join(folder, 'test/raft/support/run-seeds.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, '1', String(seeds), String(forMs)]);
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      const line = output.split('\n').find((text) => text.startsWith('{"seed"'));
      if (exitCode === 0) return resolve({ isCaught: false, seeds, how: '' });
      // Source that does not even load would be "caught" by every test.
      if (line === undefined) return reject(new Error(output));
      const { tried, violation } = JSON.parse(line) as { tried: number; violation: string };
      resolve({ isCaught: true, seeds: tried, how: violation });
    });
  });
}
