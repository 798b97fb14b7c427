/**
 * One `keyval-node` as a child process. Its log goes straight to a file; over the IPC channel it says when it serves or
 * why it cannot, and by the closing of that channel it learns that the launcher is gone, however that ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** What a node tells its launcher. */
export type NodeMessage =
  | { readonly type: 'ready'; readonly address: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string };

export interface NodeEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not start, when it said so. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

export interface NodeProcessOptions {
  /** The program, for example src/cli/keyval-node.ts. */
  readonly entry: string;
  readonly args: readonly string[];
  /** `host:port`, its name in messages. */
  readonly address: string;
  readonly logFile: string;
}

/** Nothing is kept beyond the life of the nodes. As variables: versions that do not know them pass them over. */
const fleeting = { KEYVAL_DATA: 'none', KEYVAL_NEW: '1' } as const;

const tailLines = 10;

export class NodeProcess {
  readonly address: string;
  readonly logFile: string;
  /** Resolves when the node serves; stays pending when it ends before that. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended. */
  readonly ended: Promise<NodeEnd>;
  readonly #child: ChildProcess;
  #isReady = false;
  #failure: NodeEnd['failure'] = null;

  constructor(options: NodeProcessOptions) {
    this.address = options.address;
    this.logFile = options.logFile;
    this.#child = start(options);
    this.ended = this.#untilEnded();
    this.ready = this.#untilReady();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks it to end, and makes it end after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** The last lines of its log. */
  logTail(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-tailLines).join('\n');
  }

  #untilEnded(): Promise<NodeEnd> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve({ code, signal, failure: this.#failure }));
    });
  }

  #untilReady(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.on('message', (message: NodeMessage) => {
        if (message.type === 'failed') this.#failure = { code: message.code, message: message.message };
        if (message.type !== 'ready') return;
        this.#isReady = true;
        resolve();
      });
    });
  }
}

/** In a process group of its own: a Ctrl-C in the terminal reaches the launcher only, which then stops the nodes once. */
function start({ entry, args, logFile }: NodeProcessOptions): ChildProcess {
  const log = openSync(logFile, 'w');
  try {
    return spawn(process.execPath, [entry, ...args], {
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
      env: { ...process.env, ...fleeting, KEYVAL_EXIT_WITH_PARENT: '1' },
    });
  } finally {
    closeSync(log);
  }
}
