/** The processes beside the nodes: the attacker and the honest client, as the runner sees them. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AttackOrder, AttackOutcome } from './attacker.ts';
import type { HonestReport } from './honest.ts';
import type { HonestAnswer, HonestRequest } from './honest-client.ts';

/** One question at a time to a process, and its answer. */
class Asked<Question extends string | object, Answer> {
  readonly #child: ChildProcess;

  constructor(module: string, args: readonly string[]) {
    this.#child = fork(fileURLToPath(new URL(module, import.meta.url)), args);
  }

  ask(question: Question): Promise<Answer> {
    const answer = this.answer();
    this.#child.send(question);
    return answer;
  }

  answer(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const heard = (message: unknown): void => {
        this.#child.off('exit', gone);
        resolve(message as Answer);
      };
      const gone = (code: number | null): void => {
        this.#child.off('message', heard);
        reject(new Error(`a process beside the nodes has ended with code ${code}`));
      };
      this.#child.once('message', heard);
      this.#child.once('exit', gone);
    });
  }

  /** It ends by itself when the channel closes. */
  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** A new process for each attack: nothing of one is left in the next. */
export async function attack(order: AttackOrder): Promise<AttackOutcome> {
  const attacker = new Asked<AttackOrder, AttackOutcome>('./attacker.ts', []);
  try {
    return await attacker.ask(order);
  } finally {
    attacker.stop();
  }
}

export class HonestProcess {
  readonly #process: Asked<HonestRequest, HonestAnswer>;

  static async start(endpoints: readonly string[], perSecond: number, seed: number): Promise<HonestProcess> {
    const honest = new HonestProcess([endpoints.join(','), `${perSecond}`, `${seed}`]);
    await honest.#process.answer();
    return honest;
  }

  private constructor(args: readonly string[]) {
    this.#process = new Asked('./honest-client.ts', args);
  }

  async report(): Promise<HonestReport> {
    const answer = await this.#process.ask('report');
    if (answer.type !== 'report') throw new Error(`expected a report, not ${answer.type}`);
    return answer.report;
  }

  async verify(): Promise<readonly string[]> {
    const answer = await this.#process.ask('verify');
    if (answer.type !== 'verified') throw new Error(`expected a verdict, not ${answer.type}`);
    return answer.violations;
  }

  async pause(): Promise<void> {
    await this.#process.ask('pause');
  }

  async resume(): Promise<void> {
    await this.#process.ask('resume');
  }

  stop(): void {
    this.#process.stop();
  }
}
