/** The source files that the rules look at, read once: the text, what is code in it, and what it imports. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blank } from './blank.ts';
import { type Import, importsOf } from './imports.ts';

export interface SourceFile {
  /** Below src/, with slashes: `lock/lock-table.ts`. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and strings blanked, same positions. */
  readonly code: string;
  readonly imports: readonly Import[];
}

export type SourceTree = ReadonlyMap<string, SourceFile>;

/** What a rule finds: `where` is `path:line`. */
export interface Violation {
  readonly where: string;
  readonly what: string;
}

export type Rule = (tree: SourceTree) => Violation[];

/** `files`: text by path below src/. */
export function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  const entries = Object.entries(files).map(([path, text]): [string, SourceFile] => {
    const code = blank(text);
    return [path, { path, text, code, imports: importsOf(path, text, code) }];
  });
  return new Map(entries);
}

/** Reads src/ of the checkout `root`; folders that do not exist yet are no error. */
export function readTree(root: string): SourceTree {
  const src = join(root, 'src');
  const paths = globSync('**/*.ts', { cwd: src }).sort();
  return treeOf(Object.fromEntries(paths.map((path) => [path, readFileSync(join(src, path), 'utf8')])));
}

/** A violation at a position in a file. */
export function at(file: SourceFile, position: number, what: string): Violation {
  const line = file.text.slice(0, position).split('\n').length;
  return { where: `src/${file.path}:${line}`, what };
}
