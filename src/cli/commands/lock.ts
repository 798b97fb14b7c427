/**
 * `keyval lock KEY -- COMMAND…`: runs a command while holding a lock. The command gets the fencing token, is ended when
 * the lock is lost, and its exit code is ours.
 */
import { basename } from 'node:path';
import { MODE_NAMES } from '../../client/lock-options.ts';
import { type Code, codes, ExitCode, KeyvalError } from '../../errors.ts';
import { LEASE_MS_MAX, LEASE_MS_MIN, LOCK_DELAY_MS_MAX } from '../../protocol/limits.ts';
import { LABEL_BYTES_MAX } from '../../protocol/lock-request.ts';
import { Job } from '../lock/job.ts';
import { type Catcher, catchSignals, PASSED } from '../lock/signals.ts';
import type { Command, Invocation } from '../shared/command.ts';
import { valued } from '../shared/command-line.ts';
import { openClient } from '../shared/connection.ts';
import { Failure } from '../shared/failure.ts';
import { keyOf, keyOptions } from '../shared/key.ts';
import { signalExitCode } from '../shared/signal-exit-code.ts';
import { usage, type Values } from '../shared/values.ts';

const EXIT_CODE_MAX = 255;

export const lock: Command = {
  name: 'lock',
  operands: ['KEY'],
  takesCommand: true,
  summary: 'run a command while holding a lock',
  details: [
    `The command finds the fencing token in KEYVAL_FENCE, and in KEYVAL_LOCK_KEY the KEY as it was given. ${andMore(PASSED)} are passed on to it and its children (in a terminal, where it shares our process group, to it alone); while the lock is still awaited all but SIGWINCH end the wait.`,
    'When the lock is lost the command is ended within a second, SIGTERM first, then SIGKILL, and its children with it (in a terminal it alone).',
    'A keyval lock that is itself killed with SIGKILL, or stopped, cannot end its command, which then may run on beside the next holder. That is what KEYVAL_FENCE is there for: what is written under it is refused once the lock is lost (keyval put --fence). --delay leaves such a command time to end before the next one begins.',
    "Exit code: the command's; 128 + n when signal n ended it; 127 not found, 126 not executable; --conflict-exit-code when others held the lock for the whole --wait, or it was lost; 1, 2, 5 for other failures of our own: no node answers, a mistake in the options, too few replicas.",
  ].join('\n\n'),
  options: {
    ...keyOptions,
    wait: valued(
      'longest wait for the lock while others hold it: milliseconds, or 10s, 5m; 0: try once. What connecting takes, and the failover of a node, is bounded by --timeout and counts extra',
      'as long as it takes',
    ),
    lease: valued(
      'time until the cluster frees the lock of a holder that is gone: milliseconds, or 100ms to 60s',
      '10s',
    ),
    mode: valued('how it is held', 'exclusive', MODE_NAMES),
    label: valued(
      `shown by \`keyval locks\`: what the lock is for, up to ${LABEL_BYTES_MAX} bytes`,
      'the name of the command',
    ),
    delay: valued('time for which the lock stays locked when its holder is lost: milliseconds, or up to 1h', '0'),
    'conflict-exit-code': valued('exit code when others hold the lock, or it is lost', `${ExitCode.lock}`),
  },
  examples: [
    ['keyval lock nightly -- ./backup.sh', 'one at a time, on all machines'],
    ['keyval lock nightly --wait 0 -- ./backup.sh', 'not at all if another one runs'],
    ['keyval lock report --mode read -- ./report.sh', 'several at a time, while nobody writes'],
    [`keyval lock job -- sh -c 'echo $KEYVAL_FENCE'`, 'the fencing token, which only grows'],
  ],
  async run(invocation) {
    const conflictExitCode = invocation.values.whole('conflict-exit-code', 0, EXIT_CODE_MAX) ?? ExitCode.lock;
    if (!invocation.command[0]) throw usage('no command: what to run is missing; write: keyval lock KEY -- COMMAND…');
    const signals = catchSignals();
    try {
      return await holdAndRun(invocation, signals);
    } catch (error) {
      const interrupted = signals.interruption;
      if (interrupted !== null && codeOf(error) === 'KV_ABORTED') return signalExitCode(interrupted);
      throw isConflict(error) ? new Failure(error, conflictExitCode) : error;
    }
  },
};

/** Closing the client ends its session: that frees the lock, and leaves no wait behind, whatever else fails. */
async function holdAndRun(
  { operands: [operand = ''], command, values }: Invocation,
  signals: Catcher,
): Promise<number> {
  const leaseMs = values.durationMs('lease', LEASE_MS_MIN, LEASE_MS_MAX);
  const waitMs = values.durationMs('wait', 0);
  const mode = values.oneOf('mode', MODE_NAMES);
  const delayMs = values.durationMs('delay', 0, LOCK_DELAY_MS_MAX);
  const label = labelIn(values) ?? labelOf(command);
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

/** @throws KeyvalError KV_USAGE */
function labelIn(values: Values): string | undefined {
  const label = values.text('label');
  const bytes = Buffer.byteLength(label ?? '');
  if (bytes <= LABEL_BYTES_MAX) return label;
  throw usage(`--label is a text of at most ${LABEL_BYTES_MAX} bytes, not of ${bytes}`);
}

/** The name of its program, cut to what a label may have. */
function labelOf([program = '']: readonly string[]): string {
  const name = basename(program);
  return Buffer.byteLength(name) <= LABEL_BYTES_MAX ? name : '';
}

function codeOf(error: unknown): Code | null {
  return error instanceof KeyvalError ? error.code : null;
}

/** So that a caller can tell "somebody else has it" from the command's exit codes, and from a cluster that is down. */
function isConflict(error: unknown): error is KeyvalError {
  return error instanceof KeyvalError && codes[error.code].exitCode === ExitCode.lock;
}

/** `a, b and c` */
function andMore(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
