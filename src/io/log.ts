/** One JSON object per line on standard output, by pino, without a thread of its own. */
import { pino } from 'pino';
import type { Log, LogLevel } from '../base/ports.ts';

export function createLog(level: LogLevel | 'silent'): Log {
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
  return {
    write(at: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void {
      logger[at](fields, event);
    },
  };
}
