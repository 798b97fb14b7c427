/** How the command lines of these tools end: nothing unknown is let pass, and what is wrong is a KeyvalError. */
import type { Argv } from 'yargs';
import { KeyvalError } from '../src/errors.ts';

/** Parsing throws KeyvalError KV_USAGE; `--help` prints the usage and ends the process. */
export function strictly<T>(parser: Argv<T>): Argv<T> {
  return parser
    .strict()
    .version(false)
    .fail((message, error) => {
      throw new KeyvalError('KV_USAGE', message ?? error.message);
    });
}
