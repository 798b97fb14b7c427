/** Three nodes as three processes on 127.0.0.1, .2 and .3, which a test may stop, freeze, kill and start again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Client, type ConnectOptions, connect } from '../../src/index.ts';
import { fleeting } from './processes.ts';

const entry = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));

export interface ClusterParts {
  /** Where the nodes keep their directories; null: nowhere, each life is another node. */
  readonly directories?: string | null;
  /** Options of every node. */
  readonly args?: readonly string[];
}

export class ProcessCluster {
  readonly addresses: readonly string[];
  readonly #directories: string | null;
  readonly #args: readonly string[];
  readonly #nodes: ChildProcess[] = [];
  /** What the node at an index has printed in its present life. */
  readonly #printed: string[] = [];
  readonly #news: EventEmitter = new EventEmitter();

  constructor(addresses: readonly string[], { directories = null, args = [] }: ClusterParts = {}) {
    this.addresses = addresses;
    this.#directories = directories;
    this.#args = args;
  }

  /** Starts the node at `index`; resolves with what it says: ready, or failed. */
  async start(index: number, ...args: string[]): Promise<{ type: string; message?: string }> {
    const child = this.launch(index, ...args);
    const [message] = await once(child, 'message');
    return message as { type: string };
  }

  /** Its state directory, where nodes have some. */
  directory(index: number): string {
    return join(this.#directories ?? '', `node-${index + 1}`);
  }

  launch(index: number, ...args: string[]): ChildProcess {
    const own = this.addresses[index] as string;
    const state = this.#directories === null ? fleeting : ['--data', this.directory(index), '--new'];
    const options = ['--peers', this.addresses.join(','), '--listen', own, ...state, ...this.#args, ...args];
    const child = spawn(process.execPath, [entry, ...options], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, KEYVAL_EXIT_WITH_PARENT: '1' },
    });
    this.#nodes[index] = child;
    this.#printed[index] = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#nodes[index] !== child) return; // the last words of a former life
      this.#printed[index] += chunk.toString();
      this.#news.emit('printed');
    });
    return child;
  }

  /** Resolves with the first line that a node has logged under this event in its present life. */
  async logged(event: string): Promise<Record<string, unknown>> {
    for (;;) {
      const [line] = this.lines(event);
      if (line !== undefined) return line;
      await once(this.#news, 'printed');
    }
  }

  /** What all nodes have logged under this event in their present lives. */
  lines(event: string): Record<string, unknown>[] {
    const lines = this.#printed.flatMap((text) => text.split('\n').slice(0, -1));
    const parsed = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    return (parsed as Record<string, unknown>[]).filter(({ msg }) => msg === event);
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#nodes[index]?.kill(signal);
  }

  kill(index: number): Promise<number | null> {
    return this.end(index, 'SIGKILL');
  }

  /** Resolves with the exit code when it is gone; null when the signal ended it. */
  async end(index: number, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#nodes[index] as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }

  client(options: ConnectOptions = {}): Promise<Client> {
    return connect(this.addresses, options);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.kill(index)));
  }
}

/** A cluster of three that serves; the test's end ends it. Each test file has a port of its own. */
export async function servingCluster(
  t: ExecutionContext,
  port: number,
  parts: ClusterParts = {},
): Promise<ProcessCluster> {
  const cluster = new ProcessCluster(
    [1, 2, 3].map((host) => `127.0.0.${host}:${port}`),
    parts,
  );
  t.teardown(() => cluster.stop());
  const said = await Promise.all(cluster.addresses.map((_, index) => cluster.start(index)));
  t.deepEqual(
    said.map((message) => message.type),
    ['ready', 'ready', 'ready'],
  );
  return cluster;
}

/** The same, with a state directory for each node; they go with the test. */
export function keepingCluster(t: ExecutionContext, port: number, ...args: string[]): Promise<ProcessCluster> {
  const directories = mkdtempSync(join(tmpdir(), 'keyval-cluster-'));
  t.teardown(() => rmSync(directories, { recursive: true, force: true }));
  return servingCluster(t, port, { directories, args });
}
