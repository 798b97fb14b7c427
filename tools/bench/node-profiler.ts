/**
 * Loaded into a node by `--import`: the first signal begins a profile, the next ends it and writes it to the folder that
 * the environment names, under the name that stands in a file there.
 */
import { readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { NEXT_PROFILE_FILE, PROFILE_FOLDER, PROFILE_SIGNAL, Profiler } from './profiling.ts';

const folder = process.env[PROFILE_FOLDER] ?? '.';
let running: Profiler | null = null;

process.on(PROFILE_SIGNAL, () => {
  if (running === null) {
    running = new Profiler();
    running.begin();
  } else {
    running.end(join(folder, takeName()));
    running = null;
  }
});

function takeName(): string {
  const file = join(folder, NEXT_PROFILE_FILE);
  const name = readFileSync(file, 'utf8');
  unlinkSync(file);
  return name;
}
