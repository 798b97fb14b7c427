/**
 * Counts what passed and failed in the output of `npm test` and of the smoke run. ava ends with how many passed, or with
 * how many failed and then the passed ones are to be counted. Output that cannot be read is a failure.
 */
import { stripVTControlCharacters } from 'node:util';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** The lines with which ava ended. */
  readonly closing: readonly string[];
}

/** Each of ava's closing lines that counts something bad. */
const badLine =
  /^\s*(\d+) (?:tests? failed|hooks? failed|known failures?|unhandled rejections?|uncaught exceptions?|tests? remained pending after a timeout)/;
const passedLine = /^\s*(\d+) tests? passed/;
const otherLine = /^\s*\d+ tests? (?:skipped|todo)/;

/** `output`: all that `npm test` printed; `exitCode`: with which it ended. */
export function tallyTests(output: string, exitCode: number): Tally {
  const lines = lastStage(output);
  const closing = lines.filter((line) => [badLine, passedLine, otherLine].some((pattern) => pattern.test(line)));
  const stated = sum(closing, passedLine);
  const passed = stated > 0 ? stated : count(lines, '✔');
  const failed = sum(closing, badLine);
  const isUnclear = closing.length === 0 || (exitCode === 0) !== (failed === 0) || (exitCode === 0 && stated === 0);
  return { passed, failed: isUnclear ? Math.max(failed, 1) : failed, closing };
}

/** `output`: what tools/smoke.ts printed, `✔` or `✘` for each check. */
export function tallySmoke(output: string, exitCode: number): Tally {
  const lines = stripVTControlCharacters(output).split('\n');
  const [passed, failed] = [count(lines, '✔'), count(lines, '✘')];
  const isUnclear = (exitCode === 0) !== (failed === 0) || passed + failed === 0;
  return { passed, failed: isUnclear ? Math.max(failed, 1) : failed, closing: [] };
}

/** The lines below the last heading of `npm test`. */
function lastStage(output: string): string[] {
  const lines = stripVTControlCharacters(output).split('\n');
  return lines.slice(lines.findLastIndex((line) => line.startsWith('── ')) + 1);
}

function sum(lines: readonly string[], pattern: RegExp): number {
  return lines.reduce((total, line) => total + Number(pattern.exec(line)?.[1] ?? 0), 0);
}

function count(lines: readonly string[], mark: string): number {
  return lines.filter((line) => line.trimStart().startsWith(mark)).length;
}
