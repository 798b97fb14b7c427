/**
 * An error that nobody caught leaves the process in a state that nobody knows: one structured line, exit code 70, and
 * never limp on.
 */
import { ExitCode } from '../../errors.ts';
import { createLog } from '../../io/log.ts';
import { bugOf } from '../shared/failure.ts';
import type { Launcher } from './launcher.ts';

/** The line is written whatever --log-level says. */
export function endAtUncaught(launcher: Launcher): void {
  process.on('uncaughtException', (cause, origin) => {
    const error = bugOf(cause);
    try {
      const stack = cause instanceof Error ? cause.stack : undefined;
      createLog('fatal').write('fatal', 'uncaught error', { code: error.code, origin, error: error.message, stack });
      void launcher.failed(error);
    } finally {
      process.exit(ExitCode.software);
    }
  });
}
