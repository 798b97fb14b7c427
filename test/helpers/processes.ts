/** The command lines as real processes, seen from outside: what they print, how they end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

type Program = 'keyval' | 'keyval-node';

/** What a developer has set must not reach the tests. */
const cleanEnvironment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('KEYVAL_')),
);

function entryOf(program: Program): string {
  return fileURLToPath(new URL(`../../src/cli/${program}.ts`, import.meta.url));
}

/** How a process ended and all that it printed. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input; none: it is at its end from the start. */
  readonly input?: Uint8Array | string;
  /** Gives it an IPC channel. */
  readonly ipc?: boolean;
  /** Options for Node.js itself. */
  readonly nodeArgs?: readonly string[];
}

export class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly messages: unknown[] = [];
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #news: EventEmitter = new EventEmitter();

  constructor(program: Program, args: readonly string[], options: RunOptions) {
    const { env = {}, input, ipc = false, nodeArgs = [] } = options;
    this.child = spawn(process.execPath, [...nodeArgs, entryOf(program), ...args], {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
      env: { ...cleanEnvironment, ...env },
    });
    this.#collect(this.child.stdout, this.#stdout);
    this.#collect(this.child.stderr, this.#stderr);
    this.child.stdin?.on('error', () => undefined).end(input);
    this.child.on('message', (message) => {
      this.messages.push(message);
      this.#news.emit('news');
    });
    this.ended = this.#untilEnded();
  }

  /** Its own `close` event does not come after a `disconnect`: the exit and the end of both streams are the same. */
  async #untilEnded(): Promise<Ended> {
    const streams = [this.child.stdout, this.child.stderr].map((stream) =>
      once(stream as NodeJS.ReadableStream, 'close'),
    );
    const [[code, signal]] = await Promise.all([once(this.child, 'exit'), ...streams]);
    this.#news.emit('news');
    return { code, signal, stdout: this.stdout, stderr: this.stderr };
  }

  #collect(from: NodeJS.ReadableStream | null, into: Buffer[]): void {
    from?.on('data', (chunk: Buffer) => {
      into.push(chunk);
      this.#news.emit('news');
    });
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stdoutBytes(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** The JSON lines printed so far. */
  get log(): Record<string, unknown>[] {
    const lines = this.stdout.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves when `seen` gives something else than undefined; rejects when the process ends before. */
  async until<T>(seen: () => T | undefined): Promise<T> {
    for (;;) {
      const found = seen();
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`ended:\n${this.stdout}${this.stderr}`);
      await once(this.#news, 'news');
    }
  }

  /** Resolves with the log line of that event. */
  logged(event: string): Promise<Record<string, unknown>> {
    return this.until(() => this.log.find(({ msg }) => msg === event));
  }

  /** Resolves with the first match in standard output. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.until(() => pattern.exec(this.stdout) ?? undefined);
  }
}

/** Starts it; ends it, should it still run, with the test. */
function start(t: ExecutionContext, program: Program, args: readonly string[], options: RunOptions): Run {
  const run = new Run(program, args, options);
  t.teardown(async () => {
    run.child.kill('SIGKILL');
    await run.ended;
  });
  return run;
}

/** `keyval …` against the nodes at `endpoints`. */
export function startKeyval(
  t: ExecutionContext,
  endpoints: string,
  args: readonly string[],
  options: RunOptions = {},
): Run {
  const env = { KEYVAL_ENDPOINTS: endpoints, ...options.env };
  return start(t, 'keyval', patient(args), { ...options, env });
}

const commands = [
  'get',
  'put',
  'del',
  'cas',
  'incr',
  'scan',
  'import',
  'export',
  'digest',
  'check',
  'lock',
  'locks',
  'status',
  'connections',
  'cluster',
  'ping',
];

/** A machine that runs many tests at once may be slow to connect: commands that set no time of their own get plenty. */
function patient(args: readonly string[]): readonly string[] {
  const [command = '', ...rest] = args;
  if (!commands.includes(command) || args.includes('--timeout') || args.includes('--help')) return args;
  return [command, '--timeout', '30s', ...rest];
}

/** `keyval …` to its end. */
export function keyval(
  t: ExecutionContext,
  endpoints: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  return startKeyval(t, endpoints, args, options).ended;
}

/** For a node on a port of its own that keeps nothing beyond its life. */
export const fleeting: readonly string[] = ['--data', 'none', '--new'];

/** `keyval-node …`. */
export function startKeyvalNode(t: ExecutionContext, args: readonly string[], options: RunOptions = {}): Run {
  return start(t, 'keyval-node', args, options);
}

/** A cluster of one as a process, on a port of its own; resolves when it serves. */
export async function servingNode(
  t: ExecutionContext,
  args: readonly string[] = [],
): Promise<{ run: Run; address: string }> {
  const run = startKeyvalNode(t, ['--port', '0', ...args]);
  const { address } = await run.logged('serving');
  return { run, address: address as string };
}
