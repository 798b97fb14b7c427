/** The journals of all lives as one history. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { JournalNote } from './journal.ts';

/** @param meta members of the meta line besides its type and format */
export function mergeJournals(
  journals: readonly string[],
  history: string,
  meta: Readonly<Record<string, unknown>>,
): void {
  writeFileSync(history, `${JSON.stringify({ t: 'meta', fmt: 'kvh/1', ...meta })}\n`);
  for (const journal of journals) appendFileSync(history, wholeLines(readFileSync(journal)));
}

/** A process that is killed may leave its last line unfinished: what it was to tell of had not begun. */
export function wholeLines(text: Buffer): Buffer {
  return text.subarray(0, text.lastIndexOf('\n') + 1);
}

const NOTE = '{"t":"note"';

export function notesIn(lines: Iterable<string>): JournalNote[] {
  const notes: JournalNote[] = [];
  for (const line of lines) if (line.startsWith(NOTE)) notes.push(JSON.parse(line) as JournalNote);
  return notes;
}
