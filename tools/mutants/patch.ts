/**
 * A mutant: one rule switched off by a change of the source, kept as a file that people can read:
 *
 *     rule: R5
 *     breaks: committed as soon as the first backup holds it
 *     how: simulate
 *     seeds: 60
 *
 *     file: src/replication/primary.ts
 *     - if (held < commit) commit = held;
 *     + if (backup === 0 && held < commit) commit = held;
 *
 * The lines with `-` stand in the file exactly once, as they are, wherever in a line they begin and end; those with `+` take
 * their place. There may be several blocks that begin with `file:`. `how` says what must notice: `simulate` (whole clusters
 * by seed), `raft` (the Raft core alone, by seed), or a test file.
 */
import { KeyvalError } from '../../src/errors.ts';

export interface Edit {
  /** Below the root of the checkout. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** Of its file, without the folder and the ending. */
  readonly name: string;
  /** As the shared design calls it. */
  readonly rule: string;
  readonly breaks: string;
  /** `simulate`, `raft`, or the path of a test file. */
  readonly how: string;
  /** Must be noticed within so many seeds. */
  readonly seedsMax: number;
  readonly edits: readonly Edit[];
}

const HEAD = ['rule', 'breaks', 'how', 'seeds'] as const;

/** @throws KeyvalError KV_USAGE when the text is no mutant */
export function parsePatch(name: string, text: string): Mutant {
  const [head = '', ...blocks] = text.split(/^file: /m);
  const fields = new Map(head.split('\n').map((line) => splitAt(line, ': ')));
  const [rule, breaks, how, seeds] = HEAD.map((field) => {
    const value = fields.get(field);
    if (value === undefined || value === '') throw unusable(name, `it has no line '${field}: …'`);
    return value;
  }) as [string, string, string, string];
  if (!/^[1-9]\d*$/.test(seeds)) throw unusable(name, `'seeds' must be a whole number above 0, not '${seeds}'`);
  if (blocks.length === 0) throw unusable(name, "it has no block 'file: …'");
  return { name, rule, breaks, how, seedsMax: Number(seeds), edits: blocks.map((block) => parseBlock(name, block)) };
}

function splitAt(line: string, mark: string): [string, string] {
  const at = line.indexOf(mark);
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + mark.length)];
}

function parseBlock(name: string, block: string): Edit {
  const [file = '', ...lines] = block.split('\n');
  const find: string[] = [];
  const replace: string[] = [];
  for (const line of lines) {
    if (line.startsWith('-')) find.push(line.slice(2));
    else if (line.startsWith('+')) replace.push(line.slice(2));
    else if (line !== '') throw unusable(name, `a line begins neither with '-' nor with '+': ${line}`);
  }
  if (find.length === 0) throw unusable(name, `${file} has no line with '-'`);
  return { file, find: find.join('\n'), replace: replace.join('\n') };
}

/**
 * The files that a mutant changes, changed.
 * @param read the text of a file of the checkout; null: there is no such file
 * @throws KeyvalError KV_USAGE when it no longer fits
 */
export function changed({ name, edits }: Mutant, read: (file: string) => string | null): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const text = files.get(file) ?? read(file);
    if (text === null) throw unusable(name, `it no longer fits: there is no ${file}; adapt it`);
    const places = text.split(find).length - 1;
    if (places !== 1)
      throw unusable(name, `it no longer fits: ${file} has its text ${places} times instead of once; adapt it`);
    files.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return files;
}

function unusable(name: string, why: string): KeyvalError {
  return new KeyvalError('KV_USAGE', `the mutant '${name}': ${why}`);
}
