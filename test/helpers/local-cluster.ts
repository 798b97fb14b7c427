/** Three nodes in the test's own process, on 127.0.0.1, .2 and .3. Each test file has a port of its own. */
import { type NodeOptions, type RunningNode, startNode } from '../../src/index.ts';

export class LocalCluster {
  readonly nodes: readonly RunningNode[];

  private constructor(nodes: readonly RunningNode[]) {
    this.nodes = nodes;
  }

  /** Resolves when all three serve. */
  static async on(port: number, options: NodeOptions = {}): Promise<LocalCluster> {
    const peers = [1, 2, 3].map((host) => `127.0.0.${host}:${port}`);
    const nodes = await Promise.all(
      peers.map((listen) => startNode({ logLevel: 'silent', data: 'none', new: true, ...options, peers, listen })),
    );
    await Promise.all(nodes.map((node) => node.ready()));
    return new LocalCluster(nodes);
  }

  get addresses(): string[] {
    return this.nodes.map((node) => node.address);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}
