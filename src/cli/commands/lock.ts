/**
 * `keyval lock KEY -- COMMAND…`: runs a command while holding a lock. The command gets the fencing token, is ended when
 * the lock is lost, and its exit code is ours.
 */
import { basename } from 'node:path';
import { MODE_NAMES } from '../../client/lock-options.ts';
import { type Code, codes, ExitCode, KeyvalError } from '../../errors.ts';
import { LABEL_BYTES_MAX } from '../../protocol/lock-request.ts';
import { Job } from '../lock/job.ts';
import { type Catcher, catchSignals } from '../lock/signals.ts';
import type { Command, Invocation } from '../shared/command.ts';
import { valued } from '../shared/command-line.ts';
import { openClient } from '../shared/connection.ts';
import { Failure } from '../shared/failure.ts';
import { keyOf, keyOptions } from '../shared/key.ts';
import { signalExitCode } from '../shared/signal-exit-code.ts';
import { usage } from '../shared/values.ts';

const EXIT_CODE_MAX = 255;

export const lock: Command = {
  name: 'lock',
  operands: ['KEY'],
  takesCommand: true,
  summary: 'run a command while holding a lock',
  details: [
    'The command finds the fencing token in KEYVAL_FENCE and the key in KEYVAL_LOCK_KEY; SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to it.',
    'When the lock is lost it is ended within a second, SIGTERM first, then SIGKILL, and its children with it (in a terminal, where it shares our process group, it alone).',
    "Exit code: the command's; 128 + n when signal n ended it; 127 not found, 126 not executable; --conflict-exit-code for failures of our own: the lock is busy or lost, no node answers; 2 for a mistake in the options.",
  ].join('\n'),
  options: {
    ...keyOptions,
    wait: valued('longest wait for the lock in milliseconds; 0: try once', 'as long as it takes'),
    lease: valued('milliseconds until the cluster frees the lock of a holder that is gone: 100 to 60000', '10000'),
    mode: valued('how it is held', 'exclusive', MODE_NAMES),
    label: valued('shown by `keyval locks`: what the lock is for', 'the name of the command'),
    delay: valued('milliseconds for which the lock stays locked when its holder is lost: 0 to 3600000', '0'),
    'conflict-exit-code': valued("exit code of failures that are not the command's", `${ExitCode.lock}`),
  },
  examples: [
    ['keyval lock nightly -- ./backup.sh', 'one at a time, on all machines'],
    ['keyval lock nightly --wait 0 -- ./backup.sh', 'not at all if another one runs'],
    ['keyval lock report --mode read -- ./report.sh', 'several at a time, while nobody writes'],
    [`keyval lock job -- sh -c 'echo $KEYVAL_FENCE'`, 'the fencing token, which only grows'],
  ],
  async run(invocation) {
    const conflictExitCode = invocation.values.whole('conflict-exit-code', 0, EXIT_CODE_MAX) ?? ExitCode.lock;
    if (invocation.command.length === 0) throw usage(`what to run is missing; write: keyval lock KEY -- COMMAND…`);
    const signals = catchSignals();
    try {
      return await holdAndRun(invocation, signals);
    } catch (error) {
      const interrupted = signals.interruption;
      if (interrupted !== null && codeOf(error) === 'KV_ABORTED') return signalExitCode(interrupted);
      throw isOwnFailure(error) ? new Failure(error, conflictExitCode) : error;
    }
  },
};

/** Closing the client ends its session: that frees the lock, and leaves no wait behind, whatever else fails. */
async function holdAndRun(
  { operands: [operand = ''], command, values }: Invocation,
  signals: Catcher,
): Promise<number> {
  const leaseMs = values.durationMs('lease');
  const waitMs = values.durationMs('wait', 0);
  const mode = values.oneOf('mode', MODE_NAMES);
  const delayMs = values.durationMs('delay', 0);
  const label = values.text('label') ?? labelOf(command);
  const key = keyOf(operand, values);
  await using client = await openClient(values, {
    signal: signals.stopWaiting,
    ...(leaseMs === undefined ? {} : { leaseMs }),
  });
  const held = await client.lock(key, {
    fetch: false,
    signal: signals.stopWaiting,
    label,
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(mode === undefined ? {} : { mode }),
    ...(delayMs === undefined ? {} : { delayMs }),
  });
  if (signals.interruption !== null) return signalExitCode(signals.interruption);
  const job = await Job.start(command, { KEYVAL_FENCE: `${held.token}`, KEYVAL_LOCK_KEY: operand });
  signals.passTo({
    pass: (signal) => job.pass(signal),
    suspend: () => job.suspend(),
    resume: () => {
      void held.held; // if it is lost meanwhile, the job is told to end before it goes on
      job.resume();
    },
  });
  const lost = (): void => job.end();
  held.signal.addEventListener('abort', lost, { once: true });
  if (held.signal.aborted) lost();
  const exitCode = await job.ended;
  held.assertHeld();
  await held.release();
  return exitCode;
}

/** The name of its program, cut to what a label may have. */
function labelOf([program = '']: readonly string[]): string {
  const name = basename(program);
  return Buffer.byteLength(name) <= LABEL_BYTES_MAX ? name : '';
}

function codeOf(error: unknown): Code | null {
  return error instanceof KeyvalError ? error.code : null;
}

/** So that a caller can tell our failures from the command's exit codes. */
function isOwnFailure(error: unknown): error is KeyvalError {
  return error instanceof KeyvalError && codes[error.code].exitCode !== ExitCode.usage;
}
