/**
 * What has been reached so far. V8 tells nested ranges with counts, and leaves out a range whose count is that of its
 * parent: the same block has another name from one look to the next. So ranges are painted over the text of the file, the
 * inner over the outer, and a character that was never painted before is news. Blocks are counted for people: the pieces
 * between all edges that were ever told.
 */
import type { Profiler } from 'node:inspector';
import type { ScriptCoverage } from './tracer.ts';

const UNTOLD = 0;
const RAN = 1;
const DID_NOT_RUN = 2;
const TOLD_MAX = 100_000;

export interface FileCoverage {
  readonly path: string;
  readonly covered: number;
  readonly blocks: number;
}

class File {
  reached: Uint8Array = new Uint8Array(0);
  painted: Uint8Array = new Uint8Array(0);
  readonly edges: Set<number> = new Set();
  /** Functions with what ran of them, as they were told before: nothing of those is news. */
  readonly told: Set<string> = new Set();

  grow(length: number): void {
    if (length <= this.reached.length) return;
    this.reached = longer(this.reached, length * 2);
    this.painted = longer(this.painted, length * 2);
  }
}

function longer(bytes: Uint8Array, length: number): Uint8Array {
  const result = new Uint8Array(length);
  result.set(bytes);
  return result;
}

export class Coverage {
  readonly #files: Map<string, File> = new Map();

  /** Whether `taken` reaches anything that was not reached before. */
  hasNews(taken: readonly ScriptCoverage[]): boolean {
    return taken.some((script) => this.#paint(script, false));
  }

  /** Counts `taken` as reached; true when something of it was news. */
  add(taken: readonly ScriptCoverage[]): boolean {
    let news = false;
    for (const script of taken) if (this.#paint(script, true)) news = true;
    return news;
  }

  #paint({ path, functions }: ScriptCoverage, keep: boolean): boolean {
    const file = this.#file(path);
    const inner = functions.filter((one) => !isModule(one) && isTold(one));
    if (!inner.some((one) => !file.told.has(nameOf(one)))) return false;
    for (const one of inner) {
      for (const { startOffset, endOffset, count } of one.ranges) {
        file.grow(endOffset);
        file.painted.fill(count > 0 ? RAN : DID_NOT_RUN, startOffset, endOffset);
        if (keep) file.edges.add(startOffset).add(endOffset);
      }
      if (keep && file.told.size < TOLD_MAX) file.told.add(nameOf(one));
    }
    const wholes = inner.map(({ ranges }) => ranges[0] as Profiler.CoverageRange);
    let news = false;
    for (const { startOffset, endOffset } of wholes) if (settle(file, startOffset, endOffset, keep)) news = true;
    for (const { startOffset, endOffset } of wholes) file.painted.fill(UNTOLD, startOffset, endOffset);
    return news;
  }

  #file(path: string): File {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = new File();
      this.#files.set(path, file);
    }
    return file;
  }

  /** What another one has reached counts here too. */
  join(other: Coverage): void {
    for (const [path, theirs] of other.#files) {
      const file = this.#file(path);
      file.grow(theirs.reached.length);
      for (const edge of theirs.edges) file.edges.add(edge);
      for (let at = 0; at < theirs.reached.length; at += 1)
        if (theirs.reached[at] !== UNTOLD && file.reached[at] !== RAN) file.reached[at] = theirs.reached[at] as number;
    }
  }

  byFile(): FileCoverage[] {
    return [...this.#files]
      .map(([path, file]) => ({ path, ...countBlocks(file) }))
      .filter(({ blocks }) => blocks > 0)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  total(): { readonly covered: number; readonly blocks: number } {
    const files = this.byFile();
    const sum = (of: 'covered' | 'blocks'): number => files.reduce((total, file) => total + file[of], 0);
    return { covered: sum('covered'), blocks: sum('blocks') };
  }
}

/** The code at a file's top level runs once, when it is loaded. */
function isModule({ functionName, ranges }: ScriptCoverage['functions'][number]): boolean {
  return functionName === '' && ranges[0]?.startOffset === 0;
}

/** A function that ran and whose blocks V8 does not know (any more) looks as if all of it had run. */
function isTold({ isBlockCoverage, ranges }: Profiler.FunctionCoverage): boolean {
  return isBlockCoverage || ranges[0]?.count === 0;
}

/** A function, and which of its ranges ran. */
function nameOf({ ranges }: Profiler.FunctionCoverage): string {
  let name = '';
  for (const { startOffset, endOffset, count } of ranges) name += `${startOffset}${count > 0 ? '+' : '-'}${endOffset} `;
  return name;
}

function settle(file: File, start: number, end: number, keep: boolean): boolean {
  const { reached, painted } = file;
  let news = false;
  for (let at = start; at < end; at += 1) {
    if (reached[at] === RAN) continue;
    if (painted[at] === RAN) news = true;
    if (keep) reached[at] = painted[at] as number;
    else if (news) return true;
  }
  return news;
}

function countBlocks(file: File): { covered: number; blocks: number } {
  const edges = [...file.edges].sort((a, b) => a - b);
  let covered = 0;
  let blocks = 0;
  for (const start of edges.slice(0, -1)) {
    const state = file.reached[start];
    if (state !== UNTOLD) blocks += 1;
    if (state === RAN) covered += 1;
  }
  return { covered, blocks };
}
