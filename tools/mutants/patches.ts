/** All mutants that there are: the files in the folders of patches/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changed, type Mutant, parsePatch } from './patch.ts';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER: string = fileURLToPath(new URL('patches', import.meta.url));
const ENDING = '.patch';

/** In the order of their rules. @throws KeyvalError KV_USAGE when one of the files is no mutant */
export function readMutants(): Mutant[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ENDING));
  return files.sort(byNumbers).map((file) => {
    const name = file.slice(file.lastIndexOf('/') + 1, -ENDING.length);
    return parsePatch(name, readFileSync(join(FOLDER, file), 'utf8'));
  });
}

/** r5 before r11. */
function byNumbers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Those that no longer fit the source of this checkout, each with the reason. */
export function unfit(mutants: readonly Mutant[]): { readonly name: string; readonly why: string }[] {
  return mutants.flatMap((mutant) => {
    try {
      changed(mutant, readSource);
      return [];
    } catch (error) {
      return [{ name: mutant.name, why: (error as Error).message }];
    }
  });
}

export function readSource(file: string): string | null {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
