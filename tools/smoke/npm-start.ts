/** `npm start` as a child process, seen from outside: what it prints, how it ends. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

export class NpmStart {
  /** Standard output and errors so far. */
  output = '';
  /** Resolves when npm has ended and its output is complete. */
  readonly exit: Promise<number | NodeJS.Signals>;
  readonly #child: ChildProcess;

  /** `root` is the checkout, `args` go behind `--`. */
  constructor(root: string, args: readonly string[]) {
    this.#child = spawn('npm', ['start', '--', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk: Buffer): void => {
      this.output += chunk;
      this.#child.emit('output');
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
    this.exit = once(this.#child, 'close').then(([code, signal]) => code ?? signal);
  }

  /** Signals npm, unless it has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Process id of the launcher, which npm started. */
  get launcher(): number {
    return Number(execFileSync('pgrep', ['-P', `${this.#child.pid}`], { encoding: 'utf8' }));
  }

  /** Process id of the node with this address, as the launcher prints it. */
  nodePid(address: string): number {
    const line = this.output.split('\n').find((text) => text.trim().startsWith(`${address} `));
    return Number(/process (\d+)/.exec(line ?? '')?.[1]);
  }

  /** Resolves when the nodes serve; rejects when npm ends before. */
  async served(): Promise<void> {
    const ended = this.exit.then((code) => Promise.reject(new Error(`ended with ${code}:\n${this.output}`)));
    while (!this.output.includes('Ctrl-C')) await Promise.race([once(this.#child, 'output'), ended]);
    ended.catch(() => {});
  }
}
