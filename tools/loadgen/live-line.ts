/** One line on the terminal, written over once a second, that says how the run goes. */
import type { Control } from './control.ts';

const PERIOD_MS = 1000;
const ERASE = '\r\u001b[K';

/** Where it is written; nothing is unless it is a terminal. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Says what goes on before the run. The live line takes its place, and the end of its scope erases it. */
export function showPhase(text: string, terminal: Terminal): Disposable {
  const write = (shown: string): void => {
    if (terminal.isTTY === true) terminal.write(ERASE + shown);
  };
  write(`${text} …`);
  return { [Symbol.dispose]: () => write('') };
}

/** Runs until `end`, which erases it. */
export function startLiveLine(control: Control, terminal: Terminal): { end(): void } {
  if (terminal.isTTY !== true) return { end: () => undefined };
  let seconds = 0;
  let before = 0;
  const timer = setInterval(() => {
    seconds += 1;
    const { operations, errors } = control;
    terminal.write(ERASE + liveText(seconds, operations - before, errors));
    before = operations;
  }, PERIOD_MS);
  return {
    end: () => {
      clearInterval(timer);
      terminal.write(ERASE);
    },
  };
}

/** @param operations of the last second @param errors since the start */
export function liveText(seconds: number, operations: number, errors: number): string {
  return `${seconds} s   ${operations.toLocaleString('en')} ops/s   ${errors.toLocaleString('en')} errors`;
}
