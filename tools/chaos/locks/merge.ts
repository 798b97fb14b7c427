/** The journals of all lives as one history. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import type { Harmed } from './harms.ts';
import type { JournalNote } from './journal.ts';

const NS_PER_MS = 1e6;

/** @param meta members of the meta line besides its type and format */
export function mergeJournals(
  journals: readonly string[],
  history: string,
  meta: Readonly<Record<string, unknown>>,
): void {
  writeFileSync(history, `${JSON.stringify({ t: 'meta', fmt: 'kvh/1', ...meta })}\n`);
  for (const journal of journals) appendFileSync(history, wholeLines(readFileSync(journal)));
}

/** For whoever reads the history: what was done to whom. */
export function harmNotes(harmed: readonly Harmed[]): JournalNote[] {
  return harmed.map(({ kind, name, fromNs, untilNs }) => {
    const message = `for ${Math.round((untilNs - fromNs) / NS_PER_MS)} ms`;
    return { t: 'note', what: 'harm', p: name, ts: fromNs, code: kind, message };
  });
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
