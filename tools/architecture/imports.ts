/**
 * The modules a source file names: `import` and `export … from`, `import()`, and `new URL('…', import.meta.url)`, by which
 * workers are started. Read with patterns over blanked code; good enough because the formatter ends every statement with
 * a semicolon.
 */
import { posix } from 'node:path';

export interface Import {
  /** A path below src/ for relative ones, otherwise the module's name. */
  readonly target: string;
  readonly isRelative: boolean;
  /** `import type` or `export type`: erased, loads nothing. */
  readonly isTypeOnly: boolean;
  readonly position: number;
}

const patterns: readonly RegExp[] = [
  /\b(?:import|export)\s+(?<type>type\s+(?!from\b|,))?[\w$*{}\s,]*?\bfrom\s*(?<quote>['"])(?<name>\s*)\k<quote>/dg,
  /\bimport\s*(?<quote>['"])(?<name>\s*)\k<quote>/dg,
  /\bimport\s*\(\s*(?<quote>['"])(?<name>\s*)\k<quote>/dg,
  /\bnew\s+URL\(\s*(?<quote>['"])(?<name>\s*)\k<quote>\s*,\s*import\.meta\.url/dg,
];

/** `path` is that of the file below src/, `code` its text blanked. */
export function importsOf(path: string, text: string, code: string): Import[] {
  return patterns
    .flatMap((pattern) => [...code.matchAll(pattern)].map((match) => toImport(path, text, match)))
    .sort((a, b) => a.position - b.position);
}

function toImport(path: string, text: string, match: RegExpMatchArray): Import {
  const [start, end] = match.indices?.groups?.name ?? [0, 0];
  const name = text.slice(start, end);
  const isRelative = name.startsWith('.');
  return {
    target: isRelative ? posix.join(posix.dirname(path), name) : name,
    isRelative,
    isTypeOnly: match.groups?.type !== undefined,
    position: start,
  };
}
