/** Files that commands write beside what they work on, and a folder for them. */
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A folder that is removed with the test. */
export function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyval-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Resolves when the JSON in the file, which is replaced as a whole now and then, is as wanted. */
export function noteWhere<T>(path: string, wanted: (note: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!existsSync(path)) return;
      const note = JSON.parse(readFileSync(path, 'utf8')) as T;
      if (!wanted(note)) return;
      watcher.close();
      resolve(note);
    };
    const watcher = watch(dirname(path), look);
    look();
  });
}
