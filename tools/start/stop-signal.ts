/**
 * When to stop: on Ctrl-C, SIGTERM or SIGHUP, or when the npm that started us is gone. npm gives its scripts no channel
 * that would close with it, so its process is watched: an orphan gets another parent.
 */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Half of the two seconds in which the ports must be free again is left to the nodes. */
const parentCheckMs = 250;

/** Why the launcher stops; the reason of the `AbortSignal` of `stopSignal`. */
export type StopReason = 'signal' | 'orphaned';

/**
 * Aborts once, with a `StopReason`. Later signals are ignored: npm forwards the Ctrl-C that the terminal has already
 * delivered to all, and stopping takes bounded time.
 */
export function stopSignal(parent: number | null): AbortSignal {
  const controller = new AbortController();
  const stop = (reason: StopReason): void => controller.abort(reason);
  for (const signal of signals) process.on(signal, () => stop('signal'));
  if (parent !== null) watchParent(parent, () => stop('orphaned'));
  // Whoever read our output may be gone too; that must not keep us from stopping the nodes.
  process.stdout.on('error', () => stop('orphaned'));
  process.stderr.on('error', () => stop('orphaned'));
  return controller.signal;
}

function watchParent(parent: number, onGone: () => void): void {
  const check = (): void => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  };
  const timer = setInterval(check, parentCheckMs);
  timer.unref();
  check();
}
