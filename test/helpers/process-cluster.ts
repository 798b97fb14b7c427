/** Three nodes as three processes on 127.0.0.1, .2 and .3, which a test may stop, freeze, kill and start again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { type Client, type ConnectOptions, connect } from '../../src/index.ts';
import { fleeting } from './processes.ts';

const entry = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));

export class ProcessCluster {
  readonly addresses: readonly string[];
  readonly #nodes: ChildProcess[] = [];

  constructor(addresses: readonly string[]) {
    this.addresses = addresses;
  }

  /** Starts the node at `index`; resolves with what it says: ready, or failed. */
  async start(index: number, ...args: string[]): Promise<{ type: string; message?: string }> {
    const child = this.launch(index, ...args);
    const [message] = await once(child, 'message');
    return message as { type: string };
  }

  launch(index: number, ...args: string[]): ChildProcess {
    const own = this.addresses[index] as string;
    const options = [
      '--peers',
      this.addresses.join(','),
      '--listen',
      own,
      '--log-level',
      'error',
      ...fleeting,
      ...args,
    ];
    const child = spawn(process.execPath, [entry, ...options], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, KEYVAL_EXIT_WITH_PARENT: '1' },
    });
    this.#nodes[index] = child;
    return child;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#nodes[index]?.kill(signal);
  }

  async kill(index: number): Promise<void> {
    const child = this.#nodes[index] as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  client(options: ConnectOptions = {}): Promise<Client> {
    return connect(this.addresses, options);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((_, index) => this.kill(index)));
  }
}

/** A cluster of three that serves; the test's end ends it. Each test file has a port of its own. */
export async function servingCluster(t: ExecutionContext, port: number): Promise<ProcessCluster> {
  const cluster = new ProcessCluster([1, 2, 3].map((host) => `127.0.0.${host}:${port}`));
  t.teardown(() => cluster.stop());
  const said = await Promise.all(cluster.addresses.map((_, index) => cluster.start(index)));
  t.deepEqual(
    said.map((message) => message.type),
    ['ready', 'ready', 'ready'],
  );
  return cluster;
}
