/** Nodes as processes, as they are attacked: started, looked at from outside (memory, CPU, log), stopped. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NodeProcess } from '../start/node-process.ts';

const entry = fileURLToPath(new URL('../../src/cli/keyval-node.ts', import.meta.url));
const START_MS = 20_000;
const STOP_GRACE_MS = 2000;
const KIB = 1024;
/** Of the system's clock in which /proc counts CPU time: 100 a second on every Linux there is. */
const TICK_MS = 10;

export interface VictimOptions {
  /** Members, as `host:port`. */
  readonly addresses: readonly string[];
  /** Where each one listens, if not there. */
  readonly listen?: readonly string[];
  readonly args?: readonly string[];
  readonly logFolder: string;
}

export interface NodeFacts {
  readonly residentBytes: number;
  readonly peakBytes: number;
  readonly cpuMs: number;
}

export class Victim {
  readonly addresses: readonly string[];
  readonly #nodes: readonly NodeProcess[];
  readonly #ended: Set<string> = new Set();

  /** Resolves when all nodes serve. @throws Error when one does not */
  static async start(options: VictimOptions): Promise<Victim> {
    await mkdir(options.logFolder, { recursive: true });
    const victim = new Victim(options);
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`not serving:\n${victim.logTail()}`)), START_MS).unref();
    });
    const dead = Promise.race(victim.#nodes.map(({ ended }) => ended)).then(() => {
      throw new Error(`a node ended:\n${victim.logTail()}`);
    });
    dead.catch(() => undefined); // later ends are seen by `crashes`
    try {
      await Promise.race([late, dead, Promise.all(victim.#nodes.map(({ ready }) => ready))]);
    } catch (error) {
      await victim.stop();
      throw error;
    }
    return victim;
  }

  private constructor({ addresses, listen = addresses, args = [], logFolder }: VictimOptions) {
    this.addresses = addresses;
    this.#nodes = addresses.map((address, index) => {
      const own = ['--peers', addresses.join(','), '--listen', listen[index] as string, '--advertise', address];
      const logFile = join(logFolder, `${address.replace(':', '-')}.log`);
      return new NodeProcess({ entry, args: [...own, ...args], address, logFile });
    });
    for (const node of this.#nodes) void node.ended.then(() => this.#ended.add(node.address));
  }

  /** Addresses of nodes whose process is gone. */
  get crashes(): readonly string[] {
    return [...this.#ended];
  }

  /** Lines of the logs that speak of a bug. */
  get complaints(): readonly string[] {
    const lines = this.#nodes.flatMap(({ logFile }) => readFileSync(logFile, 'utf8').split('\n'));
    return lines.filter((line) => /uncaught|KV_INTERNAL|"level":(?:60|"fatal")|Warning:/.test(line));
  }

  logTail(): string {
    return this.#nodes.map((node) => `${node.address}\n${node.logTail()}`).join('\n');
  }

  /** By node; null for one that is gone, or on a system without /proc. */
  facts(): (NodeFacts | null)[] {
    return this.#nodes.map(({ pid }) => (pid === undefined ? null : factsOf(pid)));
  }

  /** From now on `peakBytes` counts anew. */
  forgetPeaks(): void {
    for (const { pid } of this.#nodes) {
      try {
        writeFileSync(`/proc/${pid}/clear_refs`, '5');
      } catch {
        // The peak is of the whole life then.
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop(STOP_GRACE_MS)));
  }
}

function factsOf(pid: number): NodeFacts | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    // Fields behind the name in brackets: 11 and 12 are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    return { residentBytes: kibibytes('VmRSS') * KIB, peakBytes: kibibytes('VmHWM') * KIB, cpuMs };
  } catch {
    return null;
  }
}
