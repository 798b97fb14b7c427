/** How a command says that it failed: one line, `keyval: KV_CODE: message`, and an exit code. Never a stack. */
import { ExitCode, KeyvalError } from '../../errors.ts';
import { ReaderGone } from './streams.ts';

/** A failure that has an exit code of its own and not that of its KeyvalError. */
export class Failure extends Error {
  readonly error: KeyvalError;
  readonly exitCode: number;

  constructor(error: KeyvalError, exitCode: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.exitCode = exitCode;
  }
}

/** Says on standard error what went wrong; returns the exit code. `program`: `keyval` or `keyval-node`. */
export function reportFailure(program: string, failure: unknown): number {
  if (failure instanceof ReaderGone) return ExitCode.ok;
  const { error, exitCode } = failure instanceof Failure ? failure : known(failure);
  process.stderr.write(`${failureLine(program, error)}\n`);
  return exitCode;
}

/** What is thrown and is no KeyvalError is a bug. */
function known(failure: unknown): { error: KeyvalError; exitCode: number } {
  const error = failure instanceof KeyvalError ? failure : bugOf(failure);
  return { error, exitCode: error.exitCode };
}

export function bugOf(cause: unknown): KeyvalError {
  return new KeyvalError('KV_INTERNAL', cause instanceof Error ? cause.message : String(cause), { cause });
}

function failureLine(program: string, error: KeyvalError): string {
  return `${program}: ${error.code}: ${error.message.replace(/\s*\n\s*/g, ' ')}`;
}
