/**
 * Whoever started this node and wants to know how that went (`npm start`, tests), over the IPC channel of
 * `child_process.fork`: `{type: 'ready', address}` when it serves, `{type: 'failed', code, message}` when it cannot
 * start. With KEYVAL_EXIT_WITH_PARENT=1 the end of the channel, however it came about, stops the node.
 */
import type { KeyvalError } from '../../errors.ts';

export type LauncherMessage =
  | { readonly type: 'ready'; readonly address: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

export class Launcher {
  readonly #process: NodeJS.Process;
  #isReady = false;

  constructor(process: NodeJS.Process) {
    this.#process = process;
  }

  /** Calls `gone` when the launcher is gone, if the node is to end with it. */
  onGone(gone: () => void): void {
    const { env, send, connected } = this.#process;
    if (env.KEYVAL_EXIT_WITH_PARENT !== '1' || send === undefined) return;
    if (!connected) return gone();
    this.#process.once('disconnect', gone);
  }

  ready(address: string): Promise<void> {
    this.#isReady = true;
    return this.#send({ type: 'ready', address });
  }

  /** Once it has been ready, a failure is no longer one to start. */
  async failed({ code, message }: KeyvalError): Promise<void> {
    if (!this.#isReady) await this.#send({ type: 'failed', code, message });
  }

  /** Resolves when the message is gone, or nobody is there to take it. */
  #send(message: LauncherMessage): Promise<void> {
    const { connected } = this.#process;
    return new Promise((resolve) => {
      if (this.#process.send === undefined || !connected) resolve();
      else this.#process.send(message, undefined, undefined, () => resolve());
    });
  }
}
