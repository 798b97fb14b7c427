/**
 * Compiles src/ into .dist/ when anything that matters for the result has changed since the last build. The new tree is
 * built beside the old one and takes its place when it is whole, so that nobody sees half a build; each build has a place of
 * its own, for test files that build are threads of one process.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BuildResult {
  /** False when the last build was still good. */
  readonly built: boolean;
  /** Exit code of the compiler. */
  readonly exitCode: number;
}

/** `root` is the checkout; `complaints`: whether the compiler's are shown on our own output. */
export async function buildIfChanged(root: string, complaints: 'shown' | 'hidden' = 'shown'): Promise<BuildResult> {
  const stampFile = join(root, '.cache', 'build', 'stamp');
  const stamp = fingerprint(root);
  const isFresh = existsSync(join(root, '.dist')) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (isFresh) return { built: false, exitCode: 0 };

  const fresh = join(root, '.cache', 'build', `dist-${randomUUID()}`);
  mkdirSync(fresh, { recursive: true });
  const exitCode = await compile(root, fresh, complaints === 'shown' ? 'inherit' : 'ignore');
  if (exitCode === 0) {
    replace(join(root, '.dist'), fresh);
    writeFileSync(stampFile, stamp);
  }
  rmSync(fresh, { recursive: true, force: true });
  return { built: exitCode === 0, exitCode };
}

/** A hash over the sources, the compiler's settings and its version. */
function fingerprint(root: string): string {
  const hash = createHash('sha256');
  const sources = globSync('src/**/*.ts', { cwd: root }).sort();
  for (const file of [
    ...sources,
    'tsconfig.json',
    'tools/build/tsconfig.json',
    'node_modules/typescript/package.json',
  ]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

async function compile(root: string, outDir: string, stdio: 'inherit' | 'ignore'): Promise<number> {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '-p', join(root, 'tools', 'build', 'tsconfig.json'), '--outDir', outDir];
  const child = spawn(process.execPath, args, { cwd: root, stdio });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Two builds may end at the same moment: the later one takes the place of the earlier. */
function replace(target: string, fresh: string): void {
  for (;;) {
    rmSync(target, { recursive: true, force: true });
    try {
      renameSync(fresh, target);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }
}
