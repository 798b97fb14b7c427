/**
 * The main job once, as a user would do it: three nodes by `npm start`, the command line by `npx`, load on them, and the
 * end. Every step has a time limit.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nextFreePort, planAddresses } from '../start/addresses.ts';
import { NpmStart } from './npm-start.ts';

export interface Check {
  readonly title: string;
  /** Throws when it fails. */
  run(smoke: Smoke): Promise<void>;
}

const nodes = 3;
/** Away from the default, on which a developer's own nodes may run. */
const firstPort = 7234;
const loadSeconds = 5;
const stepTimeoutMs = 60_000;

/** What the checks share: the nodes they talk to. */
export class Smoke {
  readonly root: string;
  readonly port: number;
  readonly start: NpmStart;

  private constructor(root: string, port: number) {
    this.root = root;
    this.port = port;
    this.start = new NpmStart(root, ['--nodes', `${nodes}`, '--port', `${port}`]);
  }

  static async begin(root: string): Promise<Smoke> {
    const port = await nextFreePort(nodes, firstPort);
    if (port === null) throw new Error(`no free ports near ${firstPort}`);
    return new Smoke(root, port);
  }

  /** Runs `npx keyval …` against the nodes and returns what it printed. */
  keyval(args: readonly string[], command: readonly string[] = []): Promise<string> {
    const rest = command.length === 0 ? [] : ['--', ...command];
    return this.#run('npx', ['keyval', ...args, '--endpoints', `127.0.0.1:${this.port}`, ...rest]);
  }

  /** Runs the load generator and returns what it printed. */
  loadgen(args: readonly string[]): Promise<string> {
    const entry = join(this.root, 'tools', 'loadgen', 'loadgen.ts');
    return this.#run(process.execPath, [entry, '--endpoints', `127.0.0.1:${this.port}`, ...args]);
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(program, args, { cwd: this.root, timeout: stepTimeoutMs });
    return stdout.trim();
  }
}

export const checks: readonly Check[] = [
  {
    title: 'npm start serves',
    run: (smoke) => within(smoke.start.served(), stepTimeoutMs),
  },
  {
    title: 'npx keyval put',
    run: async (smoke) => void (await smoke.keyval(['put', 'greeting', 'hello'])),
  },
  {
    title: 'npx keyval get',
    run: async (smoke) => expect(await smoke.keyval(['get', 'greeting']), /^hello$/),
  },
  {
    title: 'npx keyval lock',
    run: async (smoke) => expect(await smoke.keyval(['lock', 'job'], ['sh', '-c', 'echo $KEYVAL_FENCE']), /^\d+$/),
  },
  {
    title: 'the load generator loses no update',
    run: async (smoke) => void (await smoke.loadgen(['--seconds', `${loadSeconds}`, '--threads', '1', '--verify'])),
  },
  {
    title: 'SIGTERM ends npm start with 0',
    run: async ({ start }) => {
      start.kill('SIGTERM');
      expect(`${await within(start.exit, stepTimeoutMs)}`, /^0$/);
    },
  },
  {
    title: 'the ports are free again',
    run: async ({ port }) => expect(`${(await planAddresses(nodes, port)).taken?.host}`, /^undefined$/),
  },
];

function expect(found: string, wanted: RegExp): void {
  if (!wanted.test(found)) throw new Error(`expected ${wanted}, found ${JSON.stringify(found)}`);
}

async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`took longer than ${timeoutMs / 1000} s`)), timeoutMs);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
