/** A node inside the test's own process: quick to start, keeps nothing, and its state can be looked at. */
import test, { type ExecutionContext } from 'ava';
import { type Client, connect, type NodeOptions, type RunningNode, startNode } from '../../src/index.ts';

/** A cluster of one on a free port; it is closed at the end of the test. */
export async function startedNode(t: ExecutionContext, options: NodeOptions = {}): Promise<RunningNode> {
  const node = await startNode({ port: 0, logLevel: 'silent', data: 'none', new: true, ...options });
  t.teardown(() => node.close());
  return node;
}

/** The same, when it serves. */
export async function readyNode(t: ExecutionContext, options: NodeOptions = {}): Promise<RunningNode> {
  const node = await startedNode(t, options);
  await node.ready();
  return node;
}

/** A node for all tests of a file, and clients of it. Made at the top of the file, it closes them behind the last test. */
export class FileNode {
  readonly #clients: Client[] = [];
  #starting: Promise<RunningNode> | null = null;

  constructor() {
    test.after.always(async () => {
      await Promise.all(this.#clients.map((client) => client.close()));
      await (await this.#starting)?.close();
    });
  }

  /** When it serves. */
  node(): Promise<RunningNode> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<RunningNode> {
    const node = await startNode({ port: 0, logLevel: 'silent', data: 'none', new: true });
    await node.ready();
    return node;
  }

  async client(): Promise<Client> {
    const client = await connect((await this.node()).address);
    this.#clients.push(client);
    return client;
  }
}
