/** Inputs worth keeping: a folder with one file each, and committed ones as lines of hex. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names that `folder` has not, or that cannot be read, are no inputs. */
export function readCorpus(folder: string): Uint8Array[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names.filter((name) => name.endsWith('.bin')).map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

export function keepInput(folder: string, input: Uint8Array): void {
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(input).digest('hex').slice(0, 16);
  writeFileSync(join(folder, `${name}.bin`), input);
}

/** One input a line. */
export function readHexLines(file: string): Uint8Array[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => new Uint8Array(Buffer.from(line, 'hex')));
}

export function writeHexLines(file: string, inputs: readonly Uint8Array[]): void {
  writeFileSync(file, inputs.map((input) => `${Buffer.from(input).toString('hex')}\n`).join(''));
}
