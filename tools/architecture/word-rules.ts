/**
 * The rules about words: what would make a core depend on the clock, on chance, on another turn of the event loop or on
 * the machine, and real timers outside io/. Comments and strings do not count.
 */
import { cores } from './layers.ts';
import { at, type SourceFile, type SourceTree, type Violation } from './source-tree.ts';

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];

/** Time and chance: come through the ports of base/. */
const clockWords = ['Date', 'performance', 'Math.random'];

/** Results differ between processors or versions of the engine. */
const inexactMath =
  'exp expm1 pow log log1p log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh cbrt hypot'.split(
    ' ',
  );

const coreWords: readonly string[] = [
  ...clockWords,
  ...timers,
  ...inexactMath.map((name) => `Math.${name}`),
  'queueMicrotask',
  'Promise',
  'async',
  'await',
  'process',
  'globalThis',
  'console',
  'crypto',
  'fetch',
  'Intl',
  'Buffer',
  'WeakRef',
  'FinalizationRegistry',
];

/** Only declares the ports; connecting is a promise for those who drive the cores. */
const portsFile = 'base/ports.ts';

/** The cores and base/ are synchronous and know no clock, no chance, no process. */
export function coreWordRule(tree: SourceTree): Violation[] {
  const others = new Map([...tree].filter(([path]) => path !== portsFile));
  const ports = new Map([...tree].filter(([path]) => path === portsFile));
  const wordsForPorts = coreWords.filter((word) => word !== 'Promise');
  return [...banned(others, ['base', ...cores], coreWords), ...banned(ports, ['base'], wordsForPorts)];
}

/** The simulator runs nodes and clients too: their time and chance come through ports. */
export function simulatedWordRule(tree: SourceTree): Violation[] {
  return banned(tree, ['protocol', 'node', 'client'], clockWords);
}

/** Only io/ sets real timers. */
export function timerRule(tree: SourceTree): Violation[] {
  const folders = new Set([...tree.keys()].map(folderOf));
  folders.delete('io');
  return banned(tree, [...folders], timers);
}

function banned(tree: SourceTree, folders: readonly string[], words: readonly string[]): Violation[] {
  const pattern = new RegExp(`(?<![.\\w$#])(?:${words.map(spaced).join('|')})(?![\\w$])`, 'g');
  return [...tree.values()]
    .filter(({ path }) => folders.includes(folderOf(path)))
    .flatMap((file) => find(file, pattern, `${folderOf(file.path)}/ may not use`));
}

function find(file: SourceFile, pattern: RegExp, what: string): Violation[] {
  return [...file.code.matchAll(pattern)].map((match) => at(file, match.index, `${what} ${match[0]}`));
}

/** `Math.random` also finds `Math . random`. */
function spaced(word: string): string {
  return word.replace('.', '\\s*\\.\\s*');
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}
