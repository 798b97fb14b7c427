/** The rules about imports: the table of layers, the client's entry point, no circles. */
import { isBuiltin } from 'node:module';
import type { Import } from './imports.ts';
import { clientEdges, covers, ioModules, type Layer, layerOf } from './layers.ts';
import { at, type SourceFile, type SourceTree, type Violation } from './source-tree.ts';

/** Every import is one that the table of layers grants. */
export function layerRule(tree: SourceTree): Violation[] {
  return [...tree.values()].flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [at(file, 0, 'is in no layer of tools/architecture/layers.ts')];
    return file.imports.flatMap((found) => {
      const problem = found.isRelative ? judgeRelative(tree, layer, found) : judgeModule(layer, found);
      return problem === null ? [] : [at(file, found.position, problem)];
    });
  });
}

function judgeRelative(tree: SourceTree, layer: Layer, { target, isTypeOnly }: Import): string | null {
  if (layer.may.some((entry) => covers(entry, target))) {
    return tree.has(target) ? null : `names ${target}, which does not exist`;
  }
  const mayTypes = layer.mayTypes?.some((entry) => covers(entry, target)) ?? false;
  if (mayTypes) return isTypeOnly ? null : `may import ${target} with \`import type\` only`;
  // package.json stands beside src/ and tells the version.
  if (target === '../package.json' && layer.builtins !== 'none') return null;
  return `${layer.files} may not import ${target}`;
}

function judgeModule(layer: Layer, { target }: Import): string | null {
  if (!isBuiltin(target)) return layer.packages ? null : `${layer.files} may not use packages: ${target}`;
  if (!target.startsWith('node:')) return `write node:${target}`;
  const isIo = ioModules.includes(target.slice('node:'.length));
  if (layer.builtins === 'all' || (layer.builtins === 'pure' && !isIo)) return null;
  return `${layer.files} may not import ${target}`;
}

/** Packages are those of `dependencies`: what is installed for development is missing where keyval is installed. */
export function packageRule(dependencies: readonly string[]): (tree: SourceTree) => Violation[] {
  return (tree) =>
    [...tree.values()].flatMap((file) =>
      file.imports
        .filter(({ target, isRelative }) => !isRelative && !isBuiltin(target))
        .filter(({ target, isTypeOnly }) => !isTypeOnly && !dependencies.includes(packageName(target)))
        .map(({ target, position }) => at(file, position, `${target} is not in the dependencies of package.json`)),
    );
}

function packageName(target: string): string {
  return target.split('/', target.startsWith('@') ? 2 : 1).join('/');
}

const clientEntry = 'client/index.ts';
const clientMayLoad = ['client/', 'base/', 'protocol/', 'errors.ts', ...clientEdges];

/** What the client's entry point loads, step by step, is no server code and no package. */
export function clientEntryRule(tree: SourceTree): Violation[] {
  return reachable(tree, clientEntry).flatMap((file) =>
    file.imports
      .filter(({ isTypeOnly, isRelative, target }) => !isTypeOnly && (isRelative || !isBuiltin(target)))
      .filter(({ target }) => !clientMayLoad.some((entry) => covers(entry, target)))
      .map(({ target, position }) => at(file, position, `the client's entry point would load ${target}`)),
  );
}

/** The files that loading `entry` loads. */
function reachable(tree: SourceTree, entry: string): SourceFile[] {
  const seen = new Set([entry]);
  for (const path of seen) for (const target of loadedBy(tree.get(path))) seen.add(target);
  return [...seen].flatMap((path) => tree.get(path) ?? []);
}

/** No file loads itself by way of others: it would see them half loaded. Types are erased and may go in circles. */
export function cycleRule(tree: SourceTree): Violation[] {
  const done = new Set<string>();
  const found: Violation[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    const file = tree.get(path);
    if (start >= 0 && file)
      found.push(at(file, 0, `imports in a circle: ${[...trail.slice(start), path].join(' → ')}`));
    if (start >= 0 || done.has(path)) return;
    for (const target of loadedBy(file)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of tree.keys()) visit(path, []);
  return found;
}

function loadedBy(file: SourceFile | undefined): string[] {
  const loaded = file?.imports.filter(({ isRelative, isTypeOnly }) => isRelative && !isTypeOnly) ?? [];
  return loaded.map(({ target }) => target);
}
