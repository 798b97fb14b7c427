/** A holder in a process of its own that is stopped (SIGSTOP) under its lock, and goes on when somebody else has it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { Connection } from '../fenced-rows.ts';

const program = fileURLToPath(new URL('paused-holder.ts', import.meta.url));

export interface HolderTask {
  /** Of the node. */
  readonly address: string;
  readonly key: string;
  readonly leaseMs: number;
  readonly write: 'row' | 'guard' | 'request' | 'requestWithSignal';
  /** Of the service, for requests. */
  readonly url: string;
}

/** What the late write came to. */
export interface Late {
  /** 'done', or the class of the error. */
  readonly outcome: string;
  /** Whether the holder still believes in its lock. */
  readonly held: boolean;
  /** Its client goes on: asked for the lock again, the node says that another has it. */
  readonly another: boolean;
}

export type FromHolder = Late | { readonly query: string; readonly values: unknown[] };

export type Answer = { readonly rows: Record<string, unknown>[] } | { readonly error: string };

export class PausedHolder {
  readonly token: bigint;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, token: bigint) {
    this.#process = process;
    this.token = token;
  }

  /** Resolves when it holds the lock and is stopped. */
  static async of(t: ExecutionContext, task: HolderTask, db?: Connection): Promise<PausedHolder> {
    const child = spawn(process.execPath, [program, JSON.stringify(task)], {
      stdio: ['pipe', 'pipe', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    t.teardown(() => void child.kill('SIGKILL'));
    const [token] = await Promise.race([once(child.stdout as Readable, 'data'), endOf(child)]);
    child.kill('SIGSTOP');
    child.on('message', async (message: FromHolder) => {
      if ('query' in message) child.send(await answerOf(db as Connection, message.query, message.values));
    });
    return new PausedHolder(child, BigInt(String(token)));
  }

  /** It wakes, writes, and tells what came of it. */
  goOn(): Promise<Late> {
    const told = new Promise<Late>((resolve) => {
      this.#process.on('message', (message: FromHolder) => {
        if ('outcome' in message) resolve(message);
      });
    });
    this.#process.kill('SIGCONT');
    this.#process.stdin?.write('\n');
    return Promise.race([told, endOf(this.#process)]);
  }
}

async function endOf(child: ChildProcess): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`the holder has ended without a word (${signal ?? code})`);
}

async function answerOf(db: Connection, text: string, values: unknown[]): Promise<Answer> {
  try {
    const { rows } = await db.query(text, values);
    return { rows };
  } catch (error) {
    return { error: (error as Error).message };
  }
}
