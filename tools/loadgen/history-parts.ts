/** A history of several threads: each writes its own part, at the end the parts are appended to the file and removed. */
import { createReadStream, createWriteStream, existsSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';

export function partPath(file: string, thread: number): string {
  return `${file}.part-${thread}`;
}

/** Appends the parts that threads have written; the order of lines in a history is free. */
export async function joinParts(file: string, threads: number): Promise<void> {
  for (let thread = 0; thread < threads; thread += 1) {
    const part = partPath(file, thread);
    if (!existsSync(part)) continue; // the thread never started
    await pipeline(createReadStream(part), createWriteStream(file, { flags: 'a' }));
    rmSync(part);
  }
}
