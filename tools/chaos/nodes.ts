/** The nodes as processes behind their relays: started, killed, paused, started again with or without what they kept. */
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeOptionTable } from '../../src/cli/node/node-option-table.ts';
import { type NodeEnd, NodeProcess } from '../start/node-process.ts';
import type { NodeHosts } from './hosts.ts';
import { pauseProcess } from './pause.ts';

const entry: string = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));
const START_MS_MAX = 60_000;

/** Whether nodes have this option; one that they do not know is not given. */
export function hasOption(name: string): boolean {
  return nodeOptionTable.some((option) => option.name === name);
}

export interface ChaosNodesOptions {
  readonly hosts: readonly NodeHosts[];
  /** For logs and state directories. */
  readonly folder: string;
  /** For every node, besides those that say where it is. */
  readonly args: readonly string[];
  /** The cluster is new: its first processes need not wait for what a former one may have granted. */
  readonly isNew: boolean;
}

export class ChaosNode {
  readonly hosts: NodeHosts;
  readonly index: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  /** For its first process only. */
  readonly #firstArgs: readonly string[];
  #process: NodeProcess | null = null;
  #end: NodeEnd | null = null;
  /** Processes so far: each has a log of its own. */
  #lives = 0;

  constructor(index: number, { hosts, folder, args, isNew }: ChaosNodesOptions) {
    this.hosts = hosts[index] as NodeHosts;
    this.index = index;
    this.#folder = folder;
    this.#firstArgs = isNew && hasOption('new') ? ['--new'] : [];
    const peers = hosts.map(({ address }) => address).join(',');
    const { listen, address } = this.hosts;
    const data = hasOption('data') ? ['--data', this.#dataFolder] : [];
    this.#args = ['--peers', peers, '--listen', listen, '--advertise', address, ...data, ...args];
  }

  get #dataFolder(): string {
    return join(this.#folder, `node-${this.index + 1}`);
  }

  get name(): string {
    return this.hosts.address;
  }

  get isUp(): boolean {
    return this.#process !== null && this.#end === null;
  }

  /** Starts the process, without its state directory if it `forget`s; `untilReady` waits for it. */
  async start({ forget = false }: { readonly forget?: boolean } = {}): Promise<void> {
    if (forget) await rm(this.#dataFolder, { recursive: true, force: true });
    this.#lives += 1;
    const logFile = join(this.#folder, `node-${this.index + 1}-life-${this.#lives}.log`);
    const args = this.#lives === 1 ? [...this.#args, ...this.#firstArgs] : this.#args;
    const process = new NodeProcess({ entry, args, address: this.name, logFile });
    this.#process = process;
    this.#end = null;
    void process.ended.then((end) => {
      if (this.#process === process) this.#end = end;
    });
  }

  /** Resolves when it serves, with null; with what is wrong when it ends, or takes too long. */
  async untilReady(): Promise<string | null> {
    const process = this.#running;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`does not serve after ${START_MS_MAX / 1000} s`), START_MS_MAX);
    });
    const ended = process.ended.then(({ code, signal, failure }) => `ended: ${failure?.message ?? signal ?? code}`);
    const problem = await Promise.race([process.ready.then(() => null), ended, late]);
    clearTimeout(timer);
    return problem === null ? null : `${this.name} ${problem}`;
  }

  get #running(): NodeProcess {
    if (this.#process === null) throw new Error(`${this.name} was never started`);
    return this.#process;
  }

  /** kill −9; resolves when it is gone. */
  kill(): Promise<NodeEnd> {
    return this.signal('SIGKILL');
  }

  /** Resolves when it has ended. */
  signal(signal: NodeJS.Signals): Promise<NodeEnd> {
    const { pid, ended } = this.#running;
    if (pid !== undefined && this.isUp) process.kill(pid, signal);
    return ended;
  }

  /** Stops the process for a while, by SIGSTOP and SIGCONT; see `pauseProcess`. */
  pause(ms: number): Promise<{ readonly awake: Promise<void> }> {
    return pauseProcess(this.#running.pid as number, ms);
  }

  async stop(graceMs: number): Promise<void> {
    if (this.isUp) await this.#process?.stop(graceMs);
  }

  logTail(): string {
    return this.#process?.logTail() ?? '';
  }

  /** Lines of this life's log in which `pattern` is found. */
  logged(pattern: RegExp): string[] {
    const file = this.#process?.logFile;
    if (file === undefined) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => pattern.test(line));
  }

  /** Lines that speak of a bug, of all lives. */
  complaints(): string[] {
    return Array.from({ length: this.#lives }, (_, life) => life + 1).flatMap((life) => {
      const text = readFileSync(join(this.#folder, `node-${this.index + 1}-life-${life}.log`), 'utf8');
      const lines = text
        .split('\n')
        .filter((line) => /uncaught|KV_INTERNAL|"level":(?:60|"fatal")|Assertion/.test(line));
      return lines.map((line) => `${this.name}: ${line}`);
    });
  }
}

const STOP_GRACE_MS = 3000;

export class ChaosNodes {
  readonly all: readonly ChaosNode[];

  /** Resolves when all serve. @throws Error with the tail of a log */
  static async start(options: ChaosNodesOptions): Promise<ChaosNodes> {
    await mkdir(options.folder, { recursive: true });
    const nodes = new ChaosNodes(options);
    try {
      await nodes.#startAll();
    } catch (error) {
      await nodes.stop();
      throw error;
    }
    return nodes;
  }

  private constructor(options: ChaosNodesOptions) {
    this.all = options.hosts.map((_, index) => new ChaosNode(index, options));
  }

  async #startAll(): Promise<void> {
    await Promise.all(this.all.map((node) => node.start()));
    const problems = await Promise.all(this.all.map((node) => node.untilReady()));
    const failed = problems.findIndex((problem) => problem !== null);
    if (failed >= 0) throw new Error(`${problems[failed]}\n${this.all[failed]?.logTail()}`);
  }

  at(name: string): ChaosNode | null {
    return this.all.find((node) => node.name === name) ?? null;
  }

  get up(): readonly ChaosNode[] {
    return this.all.filter(({ isUp }) => isUp);
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.map((node) => node.stop(STOP_GRACE_MS)));
  }
}
