/** The rules about form: an opening comment, files of readable size, a tidy top level. */
import { at, type SourceTree, type Violation } from './source-tree.ts';

/** Files should have one idea and 100 to 200 lines; past this the idea is certainly not one. */
const linesMax = 500;

/** Every file says in a comment at its top what it is. */
export function openingCommentRule(tree: SourceTree): Violation[] {
  return [...tree.values()]
    .filter(({ text }) => !/^(?:#!.*\n)?\/[/*]/.test(text))
    .map((file) => at(file, 0, 'does not open with a comment that says what it is'));
}

export function lengthRule(tree: SourceTree): Violation[] {
  return [...tree.values()]
    .map((file) => ({ file, lines: file.text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ file, lines }) => at(file, 0, `has ${lines} lines, at most ${linesMax} are allowed`));
}

const topLevel = new Set([
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'src',
  'test',
  'tools',
  'native-free-bench',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
]);

/** Made by running things, and ignored by git. */
const made = new Set(['node_modules', 'keyval-data']);

/** `names`: what stands in the top-level directory; dot-files are settings and allowed. */
export function topLevelRule(names: readonly string[]): Violation[] {
  return names
    .filter((name) => !name.startsWith('.') && !topLevel.has(name) && !made.has(name))
    .map((name) => ({ where: name, what: 'does not belong in the top-level directory' }));
}
