/** The exit code by which shells tell that signal n ended a process: 128 + n. */
import { constants } from 'node:os';

const FIRST = 128;

export function signalExitCode(signal: NodeJS.Signals): number {
  return FIRST + constants.signals[signal];
}
