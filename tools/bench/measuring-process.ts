/** One of the processes that measure, as the harness sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { ChildMessage, Measurement, RunRequest } from './messages.ts';

export class MeasuringProcess {
  readonly #child: ChildProcess;
  /** Resolves when it can measure; rejects when it cannot be started. */
  readonly ready: Promise<void>;

  constructor(entry: string, args: readonly string[]) {
    this.#child = fork(entry, args);
    this.ready = this.#answer().then(() => undefined);
  }

  async run(request: RunRequest): Promise<Measurement> {
    const answer = this.#answer();
    this.#child.send(request);
    const message = await answer;
    if (message.type !== 'measured') throw new Error(`expected a measurement, not ${message.type}`);
    return message.measurement;
  }

  #answer(): Promise<ChildMessage> {
    return new Promise((resolve, reject) => {
      const heard = (message: ChildMessage): void => {
        this.#child.off('exit', gone);
        if (message.type === 'failed') reject(new Error(message.message));
        else resolve(message);
      };
      const gone = (): void => {
        this.#child.off('message', heard);
        reject(new Error('a process that measures has ended'));
      };
      this.#child.once('message', heard);
      this.#child.once('exit', gone);
    });
  }

  /** It ends by itself when the channel closes. */
  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}
