/**
 * The whole test suite, or a part of it, without add-ons: ava, its worker threads and all processes that tests start get
 * `--no-addons` by NODE_OPTIONS, and a witness besides that tells at their end what they had loaded.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Testimony, WITNESS_FOLDER } from './testimony.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.js');
const witness = new URL('./witness.ts', import.meta.url).href;

export interface SuiteOutcome {
  /** Of ava. */
  readonly exitCode: number;
  readonly testimonies: readonly Testimony[];
}

/** `output`: where what ava prints goes. */
export async function runSuite(files: readonly string[], output: 'inherit' | 'ignore'): Promise<SuiteOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-native-free-'));
  try {
    const env = { ...process.env, NODE_OPTIONS: `--no-addons --import=${witness}`, [WITNESS_FOLDER]: folder };
    const child = spawn(process.execPath, [ava, ...files], { cwd: root, env, stdio: ['ignore', output, output] });
    const [code] = (await once(child, 'exit')) as [number | null];
    return { exitCode: code ?? 1, testimonies: readdirSync(folder).map((name) => testimonyIn(join(folder, name))) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function testimonyIn(file: string): Testimony {
  return JSON.parse(readFileSync(file, 'utf8')) as Testimony;
}

/** Whether nothing native was loaded anywhere, and how we know. */
export function verdictOf({ exitCode, testimonies }: SuiteOutcome): {
  readonly isGood: boolean;
  readonly text: string;
} {
  const threads = testimonies.filter(({ thread }) => thread > 0).length;
  const guilty = testimonies.filter(({ addonsRefused, addons }) => !addonsRefused || addons.length > 0);
  const seen = `${testimonies.length - threads} processes and ${threads} worker threads told at their end what they had loaded`;
  const loaded = [...new Set(guilty.flatMap(({ addons }) => addons))];
  const finding =
    guilty.length === 0
      ? 'add-ons were refused in all of them, no .node file was loaded'
      : `${guilty.length} were not free of add-ons: ${loaded.join(', ') || 'they were not refused'}`;
  const isGood = exitCode === 0 && testimonies.length > 0 && guilty.length === 0;
  return { isGood, text: `${seen}: ${finding}. ava ended with ${exitCode}.` };
}
