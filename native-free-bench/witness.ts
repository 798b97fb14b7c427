/** Loaded by `--import` into every process and thread of a test run without add-ons: tells at its end what was loaded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { areAddonsRefused, loadedAddons } from './addons.ts';
import { type Testimony, WITNESS_FOLDER } from './testimony.ts';

process.once('exit', () => {
  const folder = process.env[WITNESS_FOLDER];
  if (folder === undefined) return;
  const { pid } = process;
  const testimony: Testimony = {
    process: pid,
    thread: threadId,
    addonsRefused: areAddonsRefused(),
    addons: loadedAddons(),
  };
  writeFileSync(join(folder, `${pid}-${threadId}.json`), JSON.stringify(testimony));
});
