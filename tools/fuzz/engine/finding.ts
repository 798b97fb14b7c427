/** What went wrong, with all that is needed to see it again; kept as a file. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { usage } from '../../../src/cli/shared/values.ts';

export type FindingKind = 'exception' | 'hang' | 'memory';

export interface Finding {
  readonly target: string;
  readonly kind: FindingKind;
  readonly message: string;
  readonly stack: string;
  /** Seed of the run that met it. */
  readonly seed: number;
  /** Everything that the target was given since its last reset, in order; the last one is the culprit. */
  readonly inputs: readonly Uint8Array[];
}

/** Two failures with one signature count as one. */
export function signatureOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const places = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line) && !line.includes('node:'));
  const place = places.find((line) => line.includes('/src/')) ?? places[0] ?? '';
  return `${error.name} ${error.message.replace(/\d+/g, 'N').slice(0, 80)} ${place.trim().replace(/^.*\//, '')}`;
}

export function describeError(error: unknown): { message: string; stack: string } {
  if (!(error instanceof Error)) return { message: String(error), stack: '' };
  const code = 'code' in error ? ` ${String(error.code)}` : '';
  return { message: `${error.name}${code}: ${error.message}`, stack: error.stack ?? '' };
}

/** Gives the file's name. */
export function writeFinding(folder: string, finding: Finding): string {
  mkdirSync(folder, { recursive: true });
  const inputs = finding.inputs.map((input) => Buffer.from(input).toString('hex'));
  const name = createHash('sha256')
    .update(finding.target)
    .update(finding.message)
    .update(inputs.join(' '))
    .digest('hex');
  const file = join(folder, `${finding.target}-${name.slice(0, 12)}.json`);
  writeFileSync(file, `${JSON.stringify({ ...finding, inputs }, null, 2)}\n`);
  return file;
}

/** @throws KeyvalError KV_USAGE when the file is no finding */
export function readFinding(file: string): Finding {
  try {
    const { target, kind, message, stack, seed, inputs } = JSON.parse(readFileSync(file, 'utf8'));
    return { target, kind, message, stack, seed, inputs: inputs.map((hex: string) => Buffer.from(hex, 'hex')) };
  } catch (error) {
    throw usage(`--reproduce ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
