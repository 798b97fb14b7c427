/** Several nodes as processes on this machine, started together, stopped together. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, format } from './addresses.ts';
import { type NodeEnd, NodeProcess } from './node-process.ts';

export interface LocalClusterOptions {
  /** The program of a node, for example src/cli/keyval-node.ts. */
  readonly entry: string;
  readonly addresses: readonly Address[];
  /** Where the logs go, one file per node. */
  readonly logFolder: string;
}

export interface Casualty {
  readonly node: NodeProcess;
  readonly end: NodeEnd;
}

export class LocalCluster {
  readonly nodes: readonly NodeProcess[];
  /** Resolves when every node serves; stays pending when one ends before that. */
  readonly ready: Promise<void>;
  /** Resolves with the first node that ends, whether it was asked to or not. */
  readonly firstEnd: Promise<Casualty>;

  constructor({ entry, addresses, logFolder }: LocalClusterOptions) {
    mkdirSync(logFolder, { recursive: true });
    const names = addresses.map(format);
    this.nodes = names.map((address) => {
      const args = ['--peers', names.join(','), '--listen', address];
      return new NodeProcess({ entry, args, address, logFile: join(logFolder, `${address.replace(':', '-')}.log`) });
    });
    this.ready = Promise.all(this.nodes.map((node) => node.ready)).then(() => undefined);
    this.firstEnd = Promise.race(this.nodes.map(async (node) => ({ node, end: await node.ended })));
  }

  /** Ends all nodes that still run: asks them to, makes them after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop(graceMs)));
  }
}
