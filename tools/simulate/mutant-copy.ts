/** A copy of the source in a temporary directory, in which one mutant at a time replaces a rule. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeyvalError } from '../../src/errors.ts';
import type { Mutant } from '../../test/testing/mutants/mutants.ts';

const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

export class MutantCopy implements Disposable {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'keyval-mutant-'));

  constructor() {
    cpSync(join(ROOT, 'src'), this.source, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(this.#directory, 'package.json'));
    symlinkSync(join(ROOT, 'node_modules'), join(this.#directory, 'node_modules'));
  }

  /** The copied src/. */
  get source(): string {
    return join(this.#directory, 'src');
  }

  /** Makes the edits of a mutant. @throws KeyvalError KV_USAGE when one no longer fits the source */
  apply(mutant: Mutant): void {
    for (const [file, text] of mutated(mutant)) writeFileSync(join(this.source, file), text);
  }

  /** Takes them back. */
  restore({ edits }: Mutant): void {
    for (const { file } of edits) writeFileSync(join(this.source, file), original(file));
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The files that a mutant changes, changed. @throws KeyvalError KV_USAGE when an edit does not fit */
export function mutated({ name, edits }: Mutant): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const text = files.get(file) ?? original(file);
    const places = text.split(find).length - 1;
    if (places !== 1) {
      throw new KeyvalError(
        'KV_USAGE',
        `the mutant '${name}' no longer fits: src/${file} has its text ${places} times instead of once; adapt it`,
      );
    }
    files.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return files;
}

function original(file: string): string {
  return readFileSync(join(ROOT, 'src', file), 'utf8');
}
