/** One piece of work in a process of its own: a fresh heap, nothing compiled yet. It is asked and answers over IPC. */
import { fork } from 'node:child_process';

export interface ChildOptions {
  /** Options of Node.js for it; none of ours are passed on. */
  readonly execArgv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

type Answer<T> = { readonly result: T } | { readonly error: string };

/** Starts `entry`, asks it once, and resolves with its answer when it has ended. */
export async function askChild<T>(entry: URL, request: unknown, options: ChildOptions = {}): Promise<T> {
  const { execArgv = [], env = process.env } = options;
  const child = fork(entry, { execArgv: [...execArgv], env });
  const { promise, resolve, reject } = Promise.withResolvers<Answer<T>>();
  child.once('message', (answer) => resolve(answer as Answer<T>));
  child.once('error', reject);
  const ended = new Promise<void>((done) => {
    child.once('exit', (code, signal) => {
      reject(new Error(`${entry.pathname} ended without an answer: code ${code}, signal ${signal}`));
      done();
    });
  });
  child.send({ request });
  const answer = await promise;
  await ended;
  if ('error' in answer) throw new Error(answer.error);
  return answer.result;
}

/** The other side. It ends, answered or not, when whoever asked is gone. */
export function answerParent<Request, Result>(work: (request: Request) => Promise<Result>): void {
  const gone = (): never => process.exit(1);
  process.once('disconnect', gone);
  process.once('message', (message) => {
    void answerOf(work((message as { request: Request }).request)).then((answer) => {
      process.off('disconnect', gone);
      process.send?.(answer, () => process.exit(0));
    });
  });
}

async function answerOf<T>(result: Promise<T>): Promise<Answer<T>> {
  try {
    return { result: await result };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
