/** A process of its own that is asked several times, one question after the other, over IPC. */
import { type ChildProcess, fork } from 'node:child_process';

type Answer = { readonly result: unknown } | { readonly error: string };

export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;

  constructor(entry: URL) {
    this.#name = entry.pathname;
    this.#process = fork(entry, { execArgv: [] });
  }

  ask<T>(question: unknown): Promise<T> {
    const child = this.#process;
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error(`${this.#name} has ended without an answer`));
      child.once('exit', gone);
      child.once('message', (answer) => {
        child.off('exit', gone);
        const said = answer as Answer;
        if ('error' in said) reject(new Error(said.error));
        else resolve(said.result as T);
      });
      child.send({ question });
    });
  }

  /** It ends by itself when nobody can ask any more. */
  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

/** The other side. */
export function answerQuestions<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.once('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    const tell = (said: Answer): void => void process.send?.(said);
    answer((message as { question: Question }).question).then(
      (result) => tell({ result: result ?? null }),
      (error: unknown) => tell({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
}
