/** A copy of what tests need of the checkout, in a temporary directory, in which one mutant at a time breaks a rule. */
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changed, type Mutant } from './patch.ts';
import { ROOT, readSource } from './patches.ts';

const COPIED = ['src', 'tools', 'test', 'package.json', 'tsconfig.json'] as const;

export class Scratch implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'keyval-mutant-'));
  /** Files as they were before the present mutant. */
  readonly #former: Map<string, string> = new Map();

  constructor() {
    for (const path of COPIED) cpSync(join(ROOT, path), join(this.directory, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.directory, 'node_modules'));
  }

  /** Makes its changes. @throws KeyvalError KV_USAGE when one no longer fits the source */
  apply(mutant: Mutant): void {
    for (const [file, text] of changed(mutant, readSource)) {
      this.#former.set(file, readSource(file) as string);
      writeFileSync(join(this.directory, file), text);
    }
  }

  /** Takes them back. */
  restore(): void {
    for (const [file, text] of this.#former) writeFileSync(join(this.directory, file), text);
    this.#former.clear();
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
