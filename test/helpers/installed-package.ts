/** The package as an application has it: its published files and its dependencies, and nothing else of the checkout. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { buildIfChanged } from '../../tools/build/build.ts';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Builds if need be; gives the files that would be published. */
export async function publishedFiles(): Promise<string[]> {
  const { exitCode } = await buildIfChanged(root);
  if (exitCode !== 0) throw new Error(`the build failed with exit code ${exitCode}`);
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
  return JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
}

/** A new folder with `files` installed as the package keyval; removed after the test. */
export function installed(t: ExecutionContext, files: readonly string[]): string {
  const app = mkdtempSync(join(tmpdir(), 'keyval-'));
  t.teardown(() => rmSync(app, { recursive: true }));
  for (const file of files) cpSync(join(root, file), join(app, 'node_modules', 'keyval', file));
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(app, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  writeFileSync(join(app, 'package.json'), '{ "type": "module" }');
  return app;
}
